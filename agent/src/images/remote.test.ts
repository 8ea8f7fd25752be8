import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Partials, Registries } from '../oci/index.ts';
import { descriptorOf, fakeRegistry, type FakeRegistry, imageOf, indexOf, mediaTypes, sha256 } from '../oci/testing.ts';
import { decodeTree } from '../store/index.ts';
import { unfinished } from '../store/testing.ts';
import { RemoteImages, type RemotePull, type RemotePush } from './remote.ts';
import { chunksOf, signal, tarOf, type TempImages, tempImages } from './testing.ts';

interface World extends TempImages {
  readonly remote: RemoteImages;
  readonly registries: Registries;
  readonly registry: FakeRegistry;
  readonly lines: string[];
  readonly settingsFile: string;
  readonly partials: string;
}

async function world(settings: object = {}): Promise<World> {
  const all = await tempImages();
  const registry = await fakeRegistry();
  const settingsFile = join(all.store.folder, 'registries.yaml');
  const own = { [registry.host]: { insecure: true, ...settings } };
  writeFileSync(settingsFile, JSON.stringify({ registries: own }), { mode: 0o600 });
  const registries = new Registries(settingsFile, { retryMs: 1 });
  const partials = join(all.store.folder, 'cas/partial');
  const { store, scratch } = all;
  const options = { store, names: all.images.names, registries, partials: new Partials(partials), scratch };
  const remote = new RemoteImages({ ...options, now: () => new Date('2026-01-02T03:04:05Z') });
  return { ...all, remote, registries, registry, lines: [], settingsFile, partials };
}

const tar = tarOf({ name: 'bin/app', contents: Buffer.alloc(2_000_000, 'program') }, { name: 'etc/old' });
const image = imageOf([tar, tarOf({ name: 'etc/.wh.old' })], { config: { Cmd: ['/bin/app'] } });
const [layer] = image.layers as [(typeof image.layers)[0]];

const pull = (all: World, more: Partial<RemotePull> = {}, given = signal) =>
  all.remote.pull(
    { reference: `${all.registry.host}/org/app:1.2`, onLine: (line) => all.lines.push(line), ...more },
    given,
  );

const push = (all: World, more: Partial<RemotePush> = {}) =>
  all.remote.push(
    {
      name: 'app:1.2',
      reference: `${all.registry.host}/shop/app:2`,
      packing: 'gzip',
      onLine: (line) => all.lines.push(line),
      ...more,
    },
    signal,
  );

const requests = ({ registry }: World, method = 'GET') =>
  registry.seen.filter((seen) => seen.method === method).map(({ path }) => path);

const blobPath = (digest: string) => `/v2/org/app/blobs/${digest}`;

async function paths(all: World, name: string): Promise<string[]> {
  const { tree } = await all.images.resolve(name);
  return decodeTree(all.store.objects.read(tree)).map(({ path }) => path);
}

describe('pulling', () => {
  test('brings an image under the last part of its reference, with its configuration', async () => {
    const all = await world();
    const digest = all.registry.put(image, '1.2');
    expect(await pull(all)).toMatchObject({ name: 'app:1.2' });
    expect(await paths(all, 'app:1.2')).toEqual(['', 'bin', 'bin/app', 'etc']);
    expect(await all.images.inspect('app:1.2')).toMatchObject({
      config: { cmd: ['/bin/app'] },
      origin: { format: 'registry', digest, reference: `${all.registry.host}/org/app:1.2` },
    });
    expect(readdirSync(all.partials)).toEqual([]);
    expect(unfinished(all.store)).toEqual([]);
  });

  test('by digest takes exactly that, and nothing else under its name', async () => {
    const all = await world();
    const digest = all.registry.put(image, '1.2');
    await pull(all, { reference: `docker://${all.registry.host}/org/app@${digest}`, name: 'mine' });
    expect(requests(all)).toContain(`/v2/org/app/manifests/${digest}`);
    all.registry.manifests.set(digest, imageOf([tarOf()]).manifest);
    const again = pull(all, { reference: `${all.registry.host}/org/app@${digest}`, name: 'other' });
    await expect(again).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect((await all.images.list()).map(({ name }) => name)).toEqual(['mine:latest']);
  });

  test('of several machines asks for the one', async () => {
    const all = await world();
    const other = imageOf([tarOf({ name: 'other' })], { document: { architecture: 's390x' } });
    all.registry.put(other, 'unused');
    all.registry.put(image, 'unused');
    const platform = (architecture: string) => ({ platform: { os: 'linux', architecture } });
    const index = indexOf(
      descriptorOf(image.manifest, platform(process.arch === 'x64' ? 'amd64' : process.arch)),
      descriptorOf(other.manifest, platform('s390x')),
    );
    all.registry.manifests.set('1.2', index);
    await pull(all);
    expect(await paths(all, 'app:1.2')).toContain('bin/app');
    await pull(all, { platform: 'linux/s390x' });
    expect(await paths(all, 'app:1.2')).toEqual(['', 'other']);
  });

  test('what is here already fetches no layer again', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    await pull(all);
    all.registry.seen.length = 0;
    expect(await pull(all, { name: 'second' })).toMatchObject({ name: 'second:latest' });
    expect(requests(all).filter((path) => path.includes(sha256(layer.bytes)))).toEqual([]);
  });

  test('what another repository of the store lost is fetched again', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    await pull(all);
    const { tree } = await all.images.resolve('app:1.2');
    rmSync(all.store.objects.pathOf(tree));
    await pull(all);
    expect(await paths(all, 'app:1.2')).toContain('bin/app');
  });

  test('that broke off goes on where it was', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    const path = blobPath(sha256(layer.bytes));
    const kept = join(all.partials, sha256(layer.bytes).replace(':', '-'));
    const cuts: (() => void)[] = [];
    all.registry.interfere = ({ path: asked, headers }, response) => {
      if (asked !== path || headers.range !== undefined) return false;
      response.writeHead(200, { 'content-length': layer.bytes.length });
      response.write(layer.bytes.subarray(0, 1000));
      cuts.push(() => response.destroy());
      return true;
    };
    const pulling = pull(all);
    // What is on its way when a line breaks is lost: it is cut when all of it has come.
    await expect.poll(() => existsSync(kept) && statSync(kept).size).toBe(1000);
    for (const cut of cuts) cut();
    await pulling;
    expect(cuts).toHaveLength(1);
    expect(all.registry.seen.find(({ headers }) => headers.range !== undefined)?.headers.range).toBe('bytes=1000-');
  });

  test('that was cancelled keeps what came, and the next one goes on there', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    const path = blobPath(sha256(layer.bytes));
    const cancel = new AbortController();
    all.registry.interfere = ({ path: asked, headers }, response) => {
      if (asked !== path || headers.range !== undefined) return false;
      response.writeHead(200, { 'content-length': layer.bytes.length });
      response.write(layer.bytes.subarray(0, 1000));
      return true;
    };
    const pulling = pull(all, {}, cancel.signal);
    const kept = join(all.partials, sha256(layer.bytes).replace(':', '-'));
    await expect.poll(() => existsSync(kept) && statSync(kept).size).toBe(1000);
    cancel.abort();
    await expect(pulling).rejects.toMatchObject({ name: 'AbortError' });
    expect(await all.images.list()).toEqual([]);
    expect(unfinished(all.store)).toEqual([]);
    await pull(all);
    expect(await paths(all, 'app:1.2')).toContain('bin/app');
  });

  test('fetches several layers at once, and no more than three', async () => {
    const all = await world();
    const many = imageOf(['a', 'b', 'c', 'd', 'e'].map((name) => tarOf({ name, contents: name })));
    all.registry.put(many, '1.2');
    const layers = new Set(many.layers.map(({ bytes }) => blobPath(sha256(bytes))));
    let waiting: (() => void)[] = [];
    let together = 0;
    all.registry.interfere = ({ path }, response) => {
      if (!layers.delete(path)) return false;
      const { bytes } = many.layers.find((each) => path === blobPath(sha256(each.bytes))) ?? layer;
      waiting.push(() => response.end(bytes));
      together = Math.max(together, waiting.length);
      if (waiting.length < 3 && layers.size > 0) return true;
      for (const answer of waiting) answer();
      waiting = [];
      return true;
    };
    await pull(all);
    expect(together).toBe(3);
    expect(await paths(all, 'app:1.2')).toEqual(['', 'a', 'b', 'c', 'd', 'e']);
  });

  test('of one layer twice at once is one transfer', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    const other = imageOf([tar], { config: { Cmd: ['/other'] } });
    all.registry.put(other, '2');
    await Promise.all([pull(all), pull(all, { reference: `${all.registry.host}/org/app:2` })]);
    expect(requests(all).filter((path) => path === blobPath(sha256(layer.bytes)))).toHaveLength(1);
    expect(readdirSync(all.partials)).toEqual([]);
  });

  test('clears what was given up long ago, and nothing of others', async () => {
    const all = await world();
    mkdirSync(all.partials);
    for (const name of [`sha256-${'a'.repeat(64)}`, 'large-of-a-peer']) {
      writeFileSync(join(all.partials, name), 'x');
      utimesSync(join(all.partials, name), 0, 0);
    }
    await expect(pull(all)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect(readdirSync(all.partials)).toEqual(['large-of-a-peer']);
  });

  test('from a server that cannot go on begins anew', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    mkdirSync(all.partials);
    writeFileSync(join(all.partials, sha256(layer.bytes).replace(':', '-')), layer.bytes.subarray(0, 500));
    all.registry.interfere = ({ path, headers }, response) => {
      if (path !== blobPath(sha256(layer.bytes)) || headers.range === undefined) return false;
      response.writeHead(200, { 'content-length': layer.bytes.length }).end(layer.bytes);
      return true;
    };
    await pull(all);
    expect(await paths(all, 'app:1.2')).toContain('bin/app');
  });

  test('a layer that is not what it should be is refused, and not kept', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    const wrong = Buffer.from(layer.bytes);
    wrong[wrong.length - 6]! ^= 1;
    all.registry.blobs.set(sha256(layer.bytes), wrong);
    await expect(pull(all)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect(readdirSync(all.partials)).toEqual([]);
    expect(await all.images.list()).toEqual([]);
    all.registry.blobs.set(sha256(layer.bytes), layer.bytes);
    await pull(all);
  });

  test('a layer that does not end is cut off', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    all.registry.blobs.set(sha256(layer.bytes), Buffer.concat([layer.bytes, Buffer.alloc(100)]));
    await expect(pull(all)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  });

  test('a manifest larger than 4 MiB is refused', async () => {
    const all = await world();
    all.registry.manifests.set('1.2', { mediaType: mediaTypes.manifest, bytes: Buffer.alloc(5 << 20, ' ') });
    await expect(pull(all)).rejects.toMatchObject({ code: 'NETWORK' });
  });

  test('tries again when the registry is busy, and gives up in the end', async () => {
    const all = await world();
    all.registry.put(image, '1.2');
    let refusals = 3;
    all.registry.interfere = (_seen, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(refusals % 2 === 0 ? 429 : 503, { 'retry-after': '0' }).end();
      return true;
    };
    await pull(all);
    refusals = 1000;
    all.registry.seen.length = 0;
    await expect(pull(all, { name: 'again' })).rejects.toMatchObject({ code: 'NETWORK' });
    expect(all.registry.seen).toHaveLength(5);
  });

  test.each([
    ['unknown image', 404, 'NOT_FOUND'],
    ['forbidden', 403, 'PERMISSION'],
    ['odd answer', 418, 'NETWORK'],
  ])('an answer of %s is told as such', async (_name, status, code) => {
    const all = await world();
    all.registry.interfere = (_seen, response) => {
      response.writeHead(status).end('{"errors":[{"message":"because"}]}');
      return true;
    };
    await expect(pull(all)).rejects.toMatchObject({ code, message: expect.stringContaining('because') });
  });

  test.each(['app', '/app', 'host.example/', 'host.example/App', 'host.example/a:b:c', 'host.example/a@sha256:xyz'])(
    'the reference %s is refused',
    async (reference) => {
      await expect(pull(await world(), { reference })).rejects.toMatchObject({ code: 'USAGE' });
    },
  );
});

describe('credentials', () => {
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`;

  test('are sent when the registry wants them', async () => {
    const all = await world({ username: 'me', password: 'secret' });
    all.registry.put(image, '1.2');
    Object.assign(all.registry, { wants: basic, challenge: 'Basic realm="here"' });
    await pull(all);
    const first = all.registry.seen[0];
    expect(first?.headers.authorization).toBeUndefined();
  });

  test('buy a token for one repository', async () => {
    const all = await world({ username: 'me', password: 'secret' });
    all.registry.put(image, '1.2');
    const realm = `http://${all.registry.host}/token`;
    const challenge = `Bearer realm="${realm}",service="reg",scope="repository:org/app:pull"`;
    Object.assign(all.registry, { wants: 'Bearer abc', challenge });
    const tokens: string[] = [];
    all.registry.interfere = ({ path, headers }, response) => {
      if (!path.startsWith('/token')) return false;
      tokens.push(path);
      expect(headers.authorization).toBe(basic);
      response.end(JSON.stringify({ token: 'abc', expires_in: 300 }));
      return true;
    };
    await pull(all);
    expect(tokens).toEqual(['/token?service=reg&scope=repository%3Aorg%2Fapp%3Apull']);
  });

  test('may be an identity token', async () => {
    const all = await world({ identity: 'long' });
    all.registry.put(image, '1.2');
    Object.assign(all.registry, { wants: 'Bearer abc', challenge: `Bearer realm="http://${all.registry.host}/token"` });
    all.registry.interfere = ({ path, method }, response) => {
      if (!path.startsWith('/token')) return false;
      expect(method).toBe('POST');
      response.end(JSON.stringify({ access_token: 'abc' }));
      return true;
    };
    await pull(all);
  });

  test('never go where the registry redirects', async () => {
    const all = await world({ username: 'me', password: 'secret' });
    const elsewhere = await fakeRegistry();
    all.registry.put(image, '1.2');
    elsewhere.put(image, '1.2');
    Object.assign(all.registry, {
      wants: basic,
      challenge: 'Basic realm="here"',
      redirectTo: `http://${elsewhere.host}/v2/org/app/blobs/`,
    });
    await pull(all);
    expect(elsewhere.seen.length).toBeGreaterThan(1);
    for (const { headers } of elsewhere.seen) expect(headers.authorization).toBeUndefined();
  });

  test.each([
    ['there are none', {}],
    ['they are wrong', { username: 'me', password: 'guess' }],
  ])('are asked for where %s', async (_name, settings) => {
    const all = await world(settings);
    Object.assign(all.registry, { wants: basic, challenge: 'Basic realm="here"' });
    await expect(pull(all)).rejects.toMatchObject({
      code: 'PERMISSION',
      hint: `volt registry login ${all.registry.host}`,
    });
  });

  test('are kept once the registry has taken them, for nobody else to read, beside what is there', async () => {
    const all = await world();
    writeFileSync(
      all.settingsFile,
      [
        '# ours',
        'registries:',
        `  ${all.registry.host}:`,
        '    insecure: true # lab',
        '  other.example:',
        '    mirrors: [https://m.example]\n',
      ].join('\n'),
    );
    Object.assign(all.registry, { wants: basic, challenge: 'Basic realm="here"' });
    const login = (password: string) => all.registries.login(all.registry.host, { username: 'me', password }, signal);
    await expect(login('wrong')).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(readFileSync(all.settingsFile, 'utf8')).not.toContain('wrong');
    await login('secret');
    expect(readFileSync(all.settingsFile, 'utf8')).toMatch(/# ours[^]*insecure: true # lab\n {4}username: me\n/);
    expect(statSync(all.settingsFile).mode & 0o777).toBe(0o600);
    expect(JSON.stringify(all.registries.list())).not.toContain('secret');
    expect(all.registries.list()).toMatchObject([{ username: 'me', insecure: true }, { host: 'other.example' }]);
    expect(all.registries.logout(all.registry.host)).toBe(true);
    expect(all.registries.logout(all.registry.host)).toBe(false);
    expect(readFileSync(all.settingsFile, 'utf8')).not.toContain('me');
    expect(all.registries.list()[0]).toMatchObject({ insecure: true, username: null });
  });

  test('that others can read are not used', async () => {
    const all = await world();
    chmodSync(all.settingsFile, 0o644);
    await expect(pull(all)).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      hint: `chmod 600 ${all.settingsFile}`,
    });
  });

  test.each(['registries: [', 'registries: {a.b: {pasword: x}}', '[]', 'registries: {a.b: {username: x}}'])(
    'in a file that is malformed are not guessed at: %s',
    async (text) => {
      const all = await world();
      writeFileSync(all.settingsFile, text, { mode: 0o600 });
      await expect(pull(all)).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: expect.stringContaining('registries.yaml is malformed'),
      });
    },
  );
});

describe('a mirror', () => {
  async function mirrored(): Promise<World & { mirror: FakeRegistry }> {
    const mirror = await fakeRegistry();
    return { ...(await world({ mirrors: [`http://${mirror.host}`] })), mirror };
  }

  test('is asked first', async () => {
    const all = await mirrored();
    all.mirror.put(image, '1.2');
    await pull(all);
    expect(all.registry.seen).toEqual([]);
  });

  test('that does not have it, or is down, is passed over', async () => {
    const all = await mirrored();
    all.registry.put(image, '1.2');
    await pull(all);
    expect(all.lines[0]).toContain(all.mirror.host);
  });
});

test('an address without https is not spoken to unless somebody said so', async () => {
  const all = await world({ insecure: false });
  all.registry.put(image, '1.2');
  await expect(pull(all)).rejects.toMatchObject({
    hint: 'if it is meant to be so, say insecure: true in /etc/volt/registries.yaml',
  });
  expect(all.registry.seen).toEqual([]);
});

describe('pushing', () => {
  const made = async (): Promise<World> => {
    const all = await world();
    await all.images.importTar({ name: 'app:1.2', source: chunksOf(tar), config: { cmd: ['/bin/app'] } }, signal);
    return all;
  };

  test('sends an image that can be pulled as it was', async () => {
    const all = await made();
    const { digest } = await push(all);
    expect(all.registry.manifests.has(digest)).toBe(true);
    await pull(all, { reference: `${all.registry.host}/shop/app:2`, name: 'back' });
    const [before, after] = await Promise.all([all.images.resolve('app:1.2'), all.images.resolve('back')]);
    expect(after.tree).toBe(before.tree);
    expect(after.config).toEqual(before.config);
    expect(unfinished(all.store)).toEqual([]);
  });

  test('sends nothing the registry has', async () => {
    const all = await made();
    await push(all);
    all.registry.seen.length = 0;
    await push(all, { reference: `${all.registry.host}/shop/app:3` });
    expect(requests(all, 'POST')).toEqual([]);
    expect(all.registry.manifests.has('3')).toBe(true);
  });

  test('shares a layer of another repository', async () => {
    const all = await made();
    await push(all);
    all.registry.interfere = ({ method }, response) => {
      if (method !== 'HEAD') return false;
      response.writeHead(404).end();
      return true;
    };
    all.registry.seen.length = 0;
    await push(all, { mountFrom: 'shop/app' });
    expect(requests(all, 'PATCH')).toEqual([]);
  });

  test('that broke off goes on where it was', async () => {
    const all = await made();
    let breaks = 6;
    all.registry.interfere = ({ method }, response) => {
      if (method !== 'PATCH' || breaks-- <= 0) return false;
      response.destroy();
      return true;
    };
    await push(all);
    expect(requests(all, 'GET').some((path) => path.includes('uploads'))).toBe(true);
  });

  test('a registry that answers oddly ends it with an error, and nothing is left', async () => {
    const all = await made();
    all.registry.interfere = ({ method }, response) => {
      if (method !== 'POST') return false;
      response.writeHead(202, { location: 'ftp://elsewhere/' }).end();
      return true;
    };
    await expect(push(all)).rejects.toMatchObject({ code: 'DEPENDENCY' });
    expect(unfinished(all.store)).toEqual([]);
    await expect(push(all, { reference: `${all.registry.host}/a@sha256:${'a'.repeat(64)}` })).rejects.toMatchObject({
      code: 'USAGE',
    });
    await expect(push(all, { name: 'nothing' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
