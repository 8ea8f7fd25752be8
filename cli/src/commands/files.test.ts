/** Commands that read or write files: deploy apply, image import and export, cluster join. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

const row = { name: 'web', image: 'nginx', replicas: 3, running: 0, generation: 1, state: 'progressing', reason: null };

function file(name: string, text: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

describe('deploy apply', () => {
  const answers = { 'deploy.apply': () => [row] };

  test('sends what the file says, through the agent to a controller', async () => {
    const path = file('web.yaml', 'name: web\nimage: nginx\nreplicas: 3\nmemory: 64MiB\n');
    const { code, stdout, asked } = await volt(['deploy', 'apply', '-f', path], { answers });
    expect(code).toBe(0);
    expect(stdout).toContain('web   nginx  3         0        progressing  -');
    expect(asked[0]?.params).toMatchObject({
      workloads: [{ name: 'web', image: 'nginx', replicas: 3, memoryMiB: 64 }],
    });
    expect(asked[0]?.options.scope).toBe('controller');
  });

  test('takes several files and standard input at once', async () => {
    const path = file('a.json', '{"name": "a", "image": "x"}');
    const terminal = new FakeTerminal({ input: 'name: b\nimage: x\n---\nname: c\nimage: x\n' });
    const { asked } = await volt(['deploy', 'apply', '-f', path, '-f', '-'], { answers, terminal });
    expect(asked[0]?.params).toMatchObject({ workloads: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
  });

  test.each([
    ['malformed YAML', 'name: web\nimage: [\n', /^error: .*bad\.yaml:3:1: .*\n/],
    [
      'an unknown key',
      'name: web\nimage: x\nreplica: 1\n',
      /bad\.yaml:3:1: Unknown key 'replica'\n 3 \| replica: 1\n {3}\| \^{7}\nhint: did you mean 'replicas'\?\n$/,
    ],
    ['nothing', '', /bad\.yaml: no workload in it/],
  ])('%s is shown with its place, exits 12, and nothing is sent', async (_what, text, expected) => {
    const good = file('good.yaml', 'name: a\nimage: x\n');
    const { code, stderr, asked } = await volt(['deploy', 'apply', '-f', good, '-f', file('bad.yaml', text)], {
      answers,
    });
    expect(code).toBe(12);
    expect(stderr).toMatch(expected);
    expect(asked).toEqual([]);
  });

  test('one name in two files', async () => {
    const words = [
      'deploy',
      'apply',
      '-f',
      file('a.yaml', 'name: a\nimage: x\n'),
      '-f',
      file('b.yaml', 'name: a\nimage: y\n'),
    ];
    expect(await volt(words, { answers })).toMatchObject({ code: 12, asked: [] });
  });

  test('an absent file', async () => {
    expect(await volt('deploy apply -f /nonexistent/web.yaml', { answers })).toMatchObject({
      code: 3,
      stderr:
        "error: There is no file '/nonexistent/web.yaml'\nhint: give a file that is there, or - for standard input\n",
      asked: [],
    });
  });

  test('a mistyped file', async () => {
    const path = file('web.yaml', '').replace('web', 'wbe');
    expect((await volt(['deploy', 'apply', '-f', path], { answers })).stderr).toContain("did you mean 'web.yaml'?");
  });
});

describe('image import', () => {
  /** Says how many bytes arrived, and whether they were all. */
  const count: Answer = async ({ params }, { input }) => {
    let size = 0;
    for await (const frame of input as AsyncIterable<{ kind: string; data: string }>) {
      if (frame.kind === 'eof')
        return { name: params['name'], digest: 'ab'.repeat(32), sizeBytes: size, files: 1, createdAt: 'x' };
      size += Buffer.from(frame.data, 'base64').length;
    }
    throw new Error('cut short');
  };
  const answers = { 'image.import': count };

  test('streams a file of any size', async () => {
    const path = file('root.tar', new Uint8Array(1_000_000));
    const { code, stdout, asked } = await volt(
      ['image', 'import', 'base', path, '--entrypoint', '/sbin/init -x', '-o', 'json'],
      { answers },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: 1_000_000 });
    expect(asked[0]?.params).toEqual({ name: 'base', config: { entrypoint: ['/sbin/init', '-x'] } });
  });

  test('sends a folder as an archive', async () => {
    const folder = dirname(file('hello', 'hello'));
    const { code, stdout } = await volt(['image', 'import', 'base', folder, '-o', 'json'], { answers });
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: expect.any(Number) });
    expect((JSON.parse(stdout) as { sizeBytes: number }).sizeBytes % 10_240).toBe(0);
  });

  test('passes on which image of the archive is meant', async () => {
    const words = ['image', 'import', 'base', file('x.tar', 'x'), '--ref', 'web:1', '--platform', 'linux/arm64'];
    const { asked } = await volt([...words, '--format', 'oci'], { answers });
    expect(asked[0]?.params).toEqual({
      name: 'base',
      ref: 'web:1',
      platform: 'linux/arm64',
      format: 'oci',
      config: {},
    });
  });

  test('streams standard input', async () => {
    const { stdout } = await volt('image import base -o json', {
      answers,
      terminal: new FakeTerminal({ input: 'tar' }),
    });
    expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: 3 });
  });

  test('does not wait for a person to type an archive', async () => {
    expect(await volt('image import base', { answers, terminal: new FakeTerminal({ columns: 80 }) })).toMatchObject({
      code: 2,
      asked: [],
    });
  });

  test('an absent file sends nothing', async () => {
    expect(await volt('image import base /nonexistent.tar', { answers })).toMatchObject({ code: 3, asked: [] });
  });
});

describe('image export', () => {
  const send: Answer = async (_request, { emit }) => {
    for (const text of ['arch', 'ive']) await emit({ data: Buffer.from(text).toString('base64') });
    return { sizeBytes: 7 };
  };

  test('writes a file once all of it is there', async () => {
    const path = file('web.tar', 'old');
    const answers = { 'image.export': send };
    expect(await volt(['image', 'export', 'web', '-f', path], { answers })).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(path, 'utf8')).toBe('archive');
  });

  test('leaves what was there when it fails, and nothing else', async () => {
    const path = file('web.tar', 'old');
    const cut: Answer = async (request, call) => {
      await send(request, call);
      throw new VoltError('DEPENDENCY', 'Damaged');
    };
    const result = await volt(['image', 'export', 'web', '-f', path], { answers: { 'image.export': cut } });
    expect(result.code).toBe(10);
    expect(readFileSync(path, 'utf8')).toBe('old');
    expect(readdirSync(dirname(path))).toEqual(['web.tar']);
  });

  test('writes bytes to a pipe, and none to a terminal', async () => {
    const answers = { 'image.export': send };
    expect((await volt('image export web', { answers })).stdout).toBe('archive');
    const terminal = new FakeTerminal({ columns: 80 });
    expect(await volt('image export web', { answers, terminal })).toMatchObject({ code: 2, asked: [] });
  });
});

describe('image prune', () => {
  const idle = { name: 'idle:latest', digest: 'ab'.repeat(32), sizeBytes: 1, files: 1, createdAt: 'x' };
  const answers = { 'image.prune': () => [idle], 'image.delete': () => ({ name: idle.name, deleted: true }) };

  test('asks a person, and deletes what was agreed to', async () => {
    const terminal = new FakeTerminal({ input: 'y\n', columns: 80 });
    const { code, stderr, asked } = await volt('image prune', { answers, terminal });
    expect(code).toBe(0);
    expect(stderr).toContain('Delete idle:latest? [y/N]');
    expect(asked.map(({ method, params }) => [method, params])).toEqual([
      ['image.prune', { dryRun: true }],
      ['image.delete', { name: 'idle:latest' }],
    ]);
  });

  test('deletes nothing without a yes', async () => {
    const terminal = new FakeTerminal({ input: '\n', columns: 80 });
    const { code, asked } = await volt('image prune', { answers, terminal });
    expect(code).toBe(13);
    expect(asked).toHaveLength(1);
  });

  test('does not ask where nobody is', async () => {
    expect((await volt('image prune', { answers })).code).toBe(2);
    const { asked } = await volt('image prune --yes', { answers });
    expect(asked[0]?.params).toEqual({ dryRun: false });
  });
});

describe('cluster', () => {
  const token = `volt1.${'a'.repeat(40)}`;
  const joined = { 'cluster.join': () => ({ cluster: 'volt', node: 'n2', roles: ['agent'] }) };
  const join2 = ['cluster', 'join', '192.0.2.1:7444', '--address', '192.0.2.2'];

  test('init prints a command that joins, and the token apart from it', async () => {
    const made = { cluster: 'volt', node: 'n1', address: '192.0.2.1', controller: '192.0.2.1:9444', join: token };
    const { stdout, stderr } = await volt('cluster init', { answers: { 'cluster.init': () => made } });
    const [command = '', ...rest] = stdout.split('\n');
    expect(rest).toEqual([token, '']);
    const terminal = new FakeTerminal({ input: `${token}\n`, columns: 80 });
    const { asked } = await volt(command.replace('volt ', ''), { answers: joined, terminal });
    expect(asked[0]?.params).toEqual({ controller: '192.0.2.1:9444', token });
    expect(stderr).toContain("Cluster 'volt' has its first node, 'n1'.");
  });

  test('join takes the token from a file', async () => {
    const { code, stderr, asked } = await volt([...join2, '--token-file', file('token', `${token}\n`)], {
      answers: joined,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(asked[0]?.params).toEqual({ controller: '192.0.2.1:7444', address: '192.0.2.2', token });
  });

  test('from the environment', async () => {
    const { asked } = await volt(join2, { answers: joined, env: { VOLT_TOKEN: token } });
    expect(asked[0]?.params).toMatchObject({ token });
  });

  test('from what is piped in', async () => {
    const { asked } = await volt(join2, { answers: joined, terminal: new FakeTerminal({ input: `${token}\n` }) });
    expect(asked[0]?.params).toMatchObject({ token });
  });

  test('from the command line, with a warning', async () => {
    const { code, stderr, asked } = await volt([...join2, '--token', token, '--node', 'n2'], { answers: joined });
    expect(code).toBe(0);
    expect(stderr).toContain('warning: other users of this machine can see the token');
    expect(asked[0]?.params).toMatchObject({ token, node: 'n2' });
    expect(asked[0]?.options.node).toBeUndefined();
  });

  test('what is no token is not sent, and not repeated', async () => {
    const { code, stderr, asked } = await volt(join2, { answers: joined, env: { VOLT_TOKEN: 'hunter2' } });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).not.toContain('hunter2');
  });
});

describe('registry login', () => {
  const answers = { 'registry.login': () => ({ host: 'ghcr.io', username: 'me' }) };

  test('takes the password from what is piped in', async () => {
    const terminal = new FakeTerminal({ input: 'secret\n' });
    const { code, stdout, stderr, asked } = await volt('registry login ghcr.io -u me', { answers, terminal });
    expect({ code, shown: stdout + stderr }).toEqual({
      code: 0,
      shown: expect.not.stringContaining('secret') as string,
    });
    expect(asked[0]?.params).toEqual({ host: 'ghcr.io', username: 'me', password: 'secret' });
  });

  test('asks a person, and does not show what is typed', async () => {
    const terminal = new FakeTerminal({ input: 'secreX\u007ft\r', columns: 80 });
    const { stdout, stderr, asked } = await volt('registry login ghcr.io -u me', { answers, terminal });
    expect(asked[0]?.params).toMatchObject({ password: 'secret' });
    expect(stdout + stderr).not.toContain('sec');
    expect(terminal.isRaw).toBe(false);
  });

  test.each(['', '\n'])('sends nothing without a password', async (input) => {
    const terminal = new FakeTerminal({ input });
    expect(await volt('registry login ghcr.io -u me', { answers, terminal })).toMatchObject({ code: 2, asked: [] });
  });
});
