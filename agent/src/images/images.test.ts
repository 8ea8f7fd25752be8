import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { ImageConfig } from '@volt/shared/model';
import { expect, test } from 'vitest';
import { NodePrograms, type OpenProgram, type Programs } from '../host/index.ts';
import { serveObjects } from '../store/index.ts';
import { unfinished } from '../store/testing.ts';
import { editBuilt, mmdebstrapArgv } from './build-debian.ts';
import { missingOf } from './pull.ts';
import { chunksOf, signal, tarOf, type TempImages, tempImages } from './testing.ts';

const tar = tarOf({ name: 'bin/app', contents: 'program', mode: 0o755 }, { name: 'etc/conf', contents: 'conf' });
const config = ImageConfig.parse({ entrypoint: ['/bin/app'], env: { A: 'b' } });

const load = ({ images }: TempImages, name = 'web', archive = tar) =>
  images.importTar({ name, source: chunksOf(archive), config }, signal);

test('an imported image can be listed, inspected, resolved and laid out', async () => {
  const all = await tempImages();
  const made = await load(all);
  expect(made).toEqual({
    name: 'web:latest',
    digest: made.digest,
    sizeBytes: 11,
    files: 2,
    createdAt: '2026-01-02T03:04:05.000Z',
  });
  expect(await all.images.list()).toEqual([made]);
  const { manifest, tree, config: kept } = await all.images.resolve('web');
  expect(manifest).toBe(made.digest);
  expect(kept).toEqual(config);
  expect(await all.images.open(manifest)).toEqual({ manifest, tree, config });
  all.users.set(manifest, ['web-1']);
  expect(await all.images.inspect('web:latest')).toEqual({ ...made, tree, config, usedBy: ['web-1'] });
  expect(readdirSync(await all.images.ensureLower(tree, signal))).toEqual(['bin', 'etc']);
  expect(unfinished(all.store)).toEqual([]);
});

test('the same archive twice adds no contents', async () => {
  const all = await tempImages();
  await load(all, 'web');
  const count = async () => (await Array.fromAsync(all.store.objects.list())).length;
  const before = await count();
  await load(all, 'web:2');
  expect(await count()).toBe(before);
});

test('a name moves to the newer image', async () => {
  const all = await tempImages();
  const first = await load(all);
  const second = await load(all, 'web', tarOf({ name: 'other' }));
  expect((await all.images.resolve('web')).manifest).toBe(second.digest);
  expect(second.digest).not.toBe(first.digest);
});

test('a failed import changes nothing', async () => {
  const all = await tempImages();
  const first = await load(all);
  await expect(load(all, 'web', tar.subarray(0, 700))).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect((await all.images.resolve('web')).manifest).toBe(first.digest);
  expect(unfinished(all.store)).toEqual([]);
});

test('an unknown image says where to look', async () => {
  const { images } = await tempImages();
  const unknown = { code: 'NOT_FOUND', hint: 'volt image list' };
  await expect(images.resolve('nothing')).rejects.toMatchObject(unknown);
  await expect(images.inspect('nothing')).rejects.toMatchObject(unknown);
  await expect(images.history('nothing')).rejects.toMatchObject(unknown);
  await expect(images.names.delete('nothing')).rejects.toMatchObject(unknown);
  await expect(images.names.tag('nothing', 'other')).rejects.toMatchObject(unknown);
  expect(() => images.names.untag('nothing')).toThrow(expect.objectContaining(unknown));
});

test.each(['../etc', 'a/b', 'Web', 'web:', ':latest', 'web:a/b', '', 'a b'])('the name %j is refused', async (name) => {
  const all = await tempImages();
  await expect(load(all, name)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(all.images.resolve(name)).rejects.toMatchObject({ code: 'USAGE' });
  await expect(all.images.names.delete(name)).rejects.toMatchObject({ code: 'USAGE' });
});

test('deleting takes the name and the lower away', async () => {
  const all = await tempImages();
  await load(all);
  const lower = await all.images.ensureLower((await all.images.resolve('web')).tree, signal);
  expect(await all.images.names.delete('web')).toEqual({ name: 'web:latest', deleted: true });
  expect(await all.images.list()).toEqual([]);
  expect(existsSync(lower)).toBe(false);
});

test('an image in use is not deleted, and the error names its users', async () => {
  const all = await tempImages();
  const { digest } = await load(all);
  all.users.set(digest, ['shop', 'blog']);
  await expect(all.images.names.delete('web')).rejects.toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('shop, blog'),
  });
  expect(await all.images.list()).toHaveLength(1);
});

test('one of two names of an image in use can go, and its lower stays', async () => {
  const all = await tempImages();
  const { digest } = await load(all, 'web:1');
  await all.images.names.tag('web:1', 'web:2');
  const { tree } = await all.images.resolve('web:1');
  const lower = await all.images.ensureLower(tree, signal);
  all.users.set(digest, ['shop']).set(tree, ['shop']);
  await all.images.names.delete('web:1');
  expect(existsSync(lower)).toBe(true);
  await expect(all.images.names.delete('web:2')).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('another image with the files of one in use can be deleted, and the lower stays', async () => {
  const all = await tempImages();
  const used = await load(all, 'web');
  const other = await all.images.importTar({ name: 'copy', source: chunksOf(tar) }, signal);
  expect(other.digest).not.toBe(used.digest);
  const { tree } = await all.images.resolve('copy');
  const lower = await all.images.ensureLower(tree, signal);
  all.users.set(used.digest, ['shop']).set(tree, ['shop']);
  await all.images.names.delete('copy');
  expect(existsSync(lower)).toBe(true);
  await expect(all.images.names.delete('web')).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('a name can be taken away from an image in use, which stays', async () => {
  const all = await tempImages();
  const { digest } = await load(all);
  all.users.set(digest, ['shop']);
  expect(all.images.names.untag('web')).toEqual({ name: 'web:latest', removed: true });
  expect(await all.images.list()).toEqual([]);
  expect((await all.images.open(digest)).manifest).toBe(digest);
});

test('a tag moves to the image it is given to', async () => {
  const all = await tempImages();
  await load(all, 'web:1');
  const second = await load(all, 'web:2', tarOf({ name: 'other' }));
  await all.images.names.tag('web:1', 'stable');
  expect(await all.images.names.tag('web:2', 'stable')).toMatchObject({ name: 'stable:latest', digest: second.digest });
  expect((await all.images.resolve('stable')).manifest).toBe(second.digest);
});

test('pruning deletes what nothing uses and nobody pinned, and a dry run only tells', async () => {
  const all = await tempImages();
  const used = await load(all, 'used');
  const pinned = await load(all, 'pinned', tarOf({ name: 'pinned' }));
  await load(all, 'pinned-tree', tarOf({ name: 'tree' }));
  await load(all, 'idle', tarOf({ name: 'idle' }));
  all.users.set(used.digest, ['shop']);
  await all.store.refs.pins.set('pinned', 'latest', pinned.digest);
  await all.store.refs.pins.set('tree', 'latest', (await all.images.resolve('pinned-tree')).tree);
  expect(await all.images.names.prune({ dryRun: true })).toMatchObject([{ name: 'idle:latest' }]);
  expect(await all.images.list()).toHaveLength(4);
  expect(await all.images.names.prune({ dryRun: false })).toMatchObject([{ name: 'idle:latest' }]);
  const left = (await all.images.list()).map(({ name }) => name);
  expect(left).toEqual(['pinned:latest', 'pinned-tree:latest', 'used:latest']);
});

test('a whole image verifies, and one with a damaged file names the file', async () => {
  const all = await tempImages();
  await load(all);
  const verify = () => all.images.verify('web', () => {}, signal);
  expect(await verify()).toEqual({ objects: 4, sizeBytes: 11 });
  const path = all.store.objects.pathOf(all.store.objects.hash.of(Buffer.from('program')));
  chmodSync(path, 0o600);
  writeFileSync(path, 'pr0gram');
  await expect(verify()).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: "1 of 2 files of 'web' are damaged: bin/app (damaged)",
  });
  rmSync(path);
  await expect(verify()).rejects.toThrow('bin/app (absent)');
});

test('a damaged image is still listed, and can be deleted', async () => {
  const all = await tempImages();
  const { digest } = await load(all);
  rmSync(all.store.objects.pathOf(digest));
  expect(await all.images.list()).toMatchObject([{ name: 'web:latest', digest, files: 0 }]);
  await expect(all.images.resolve('web')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await all.images.names.delete('web')).toMatchObject({ deleted: true });
});

test('a caller that gives up waiting for a lower does not hold', async () => {
  const all = await tempImages();
  await load(all);
  const { tree } = await all.images.resolve('web');
  const cancel = new AbortController();
  const waiting = all.images.ensureLower(tree, cancel.signal);
  cancel.abort();
  await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
  expect(existsSync(await all.images.ensureLower(tree, signal))).toBe(true);
});

test('a pulled image is the same on both nodes, and what is there is not asked for', async () => {
  const [from, to] = [await tempImages(), await tempImages()];
  const { digest } = await load(from);
  await load(to, 'other', tarOf({ name: 'x', contents: 'program' }));
  const asked: string[] = [];
  const peer = {
    name: 'a',
    fetch: async (digests: readonly string[]) => {
      asked.push(...digests);
      return serveObjects(from.store.objects, digests);
    },
  };
  expect(missingOf(to.store, digest)).toBeUndefined();
  await to.images.pull({ digest, name: 'web', peers: [peer] }, signal);
  const resolved = await to.images.resolve('web');
  expect(resolved).toEqual(await from.images.resolve('web'));
  expect(missingOf(to.store, digest)).toEqual(new Map());
  expect(asked).toEqual([digest, resolved.tree, from.store.objects.hash.of(Buffer.from('conf'))]);
  await to.images.pull({ digest, peers: [] }, signal);
});

test('an image that cannot be pulled whole gets no name, and the next attempt goes on', async () => {
  const [from, to] = [await tempImages(), await tempImages()];
  const { digest } = await load(from);
  const conf = from.store.objects.hash.of(Buffer.from('conf'));
  const lacking = {
    name: 'a',
    fetch: async (asked: readonly string[]) =>
      serveObjects(
        from.store.objects,
        asked.filter((one) => one !== conf),
      ),
  };
  await expect(to.images.pull({ digest, name: 'web', peers: [lacking] }, signal)).rejects.toMatchObject({
    code: 'NETWORK',
  });
  expect(await to.images.list()).toEqual([]);
  const whole = { name: 'b', fetch: async (asked: readonly string[]) => serveObjects(from.store.objects, asked) };
  await to.images.pull({ digest, name: 'web', peers: [whole] }, signal);
  expect(await to.images.list()).toHaveLength(1);
});

const request = { name: 'deb', suite: 'trixie', packages: ['nginx'], entrypoint: ['nginx'] };

/** mmdebstrap as these tests want it; everything else is real. */
function withMmdebstrap(
  run: () => { stdout: Buffer; stderr: string; code: number },
  seen: { argv?: readonly string[]; env?: object } = {},
): Programs {
  const real = new NodePrograms();
  return {
    run: (argv, options) =>
      argv[0] === 'mmdebstrap' ? Promise.resolve({ code: 0, stdout: '', stderr: '' }) : real.run(argv, options),
    open: async (argv, { env }) => {
      Object.assign(seen, { argv, env });
      const { stdout, stderr, code } = run();
      const program = {
        pid: 1,
        stdout: chunksOf(stdout),
        stderr: chunksOf(Buffer.from(stderr)),
        exitCode: Promise.resolve(code),
      };
      return {
        ...program,
        kill: async () => {},
        write: async () => {},
        end: () => {},
        release: () => {},
      } satisfies OpenProgram;
    },
  };
}

test('a built image leaves out what belongs to one machine', async () => {
  const archive = tarOf(
    { name: './bin/app', contents: 'program' },
    { name: './etc/machine-id', contents: 'abc' },
    { name: './dev/null', flag: '3', major: 1, minor: 3 },
    { name: './var/lib/apt/lists/x', contents: 'list' },
    { name: './var/cache/apt/y', contents: 'cache' },
  );
  const all = await tempImages(withMmdebstrap(() => ({ stdout: archive, stderr: 'I: working\n', code: 0 })));
  const lines: string[] = [];
  const made = await all.images.build({ ...request, onLine: (line) => lines.push(line) }, signal);
  expect(made).toMatchObject({ name: 'deb:latest', files: 2, sizeBytes: 7 });
  expect((await all.images.resolve('deb')).config.entrypoint).toEqual(['nginx']);
  expect(lines).toEqual(['I: working']);
  expect(unfinished(all.store)).toEqual([]);
});

test('a failed build says why, and changes nothing', async () => {
  const programs = withMmdebstrap(() => ({
    stdout: Buffer.alloc(0),
    stderr: 'I: x\nE: Unable to locate package nginxx\n',
    code: 25,
  }));
  const all = await tempImages(programs);
  await expect(all.images.build(request, signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: 'mmdebstrap failed: E: Unable to locate package nginxx',
  });
  expect(await all.images.list()).toEqual([]);
  expect(unfinished(all.store)).toEqual([]);
});

test('a whole archive of a failed build is not an image', async () => {
  const all = await tempImages(withMmdebstrap(() => ({ stdout: tar, stderr: '', code: 1 })));
  await expect(all.images.build(request, signal)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  expect(await all.images.list()).toEqual([]);
});

test('without mmdebstrap the error says how to get it', async () => {
  const missing: Programs = {
    run: () => Promise.reject(new VoltError('DEPENDENCY', "'mmdebstrap' is not installed")),
    open: () => Promise.reject(new Error('not reached')),
  };
  const { images } = await tempImages(missing);
  await expect(images.build(request, signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    hint: 'apt install mmdebstrap',
  });
});

test('what a user gives is an argument or a file, never part of a shell line', async () => {
  const seen: { argv?: readonly string[]; env?: Record<string, string> } = {};
  const all = await tempImages(withMmdebstrap(() => ({ stdout: tar, stderr: '', code: 0 }), seen));
  await all.images.build({ ...request, script: 'touch "$(evil)"', mirror: 'http://mirror.example/debian' }, signal);
  expect(seen.argv?.slice(seen.argv.indexOf('mmdebstrap'))).toEqual([
    'mmdebstrap',
    '--format=tar',
    '--variant=minbase',
    '--aptopt=APT::Install-Recommends "false"',
    '--include=nginx',
    '--customize-hook=chroot "$1" /bin/sh -eu <"$VOLT_BUILD_SCRIPT"',
    'trixie',
    '-',
    'http://mirror.example/debian',
  ]);
  expect(seen.env?.['VOLT_BUILD_SCRIPT']).toContain(all.scratch);
  expect(mmdebstrapArgv({ request: { suite: 'trixie', packages: [] } })).not.toContain('--include=');
});

test('a cancelled build ends its program and leaves nothing', async () => {
  const real = new NodePrograms();
  const cancel = new AbortController();
  let ended: Promise<number> | undefined;
  const sleeping: Programs = {
    run: (argv, options) =>
      argv[0] === 'mmdebstrap' ? Promise.resolve({ code: 0, stdout: '', stderr: '' }) : real.run(argv, options),
    open: async (argv, options) => {
      const program = await real.open(
        [...argv.slice(0, argv.indexOf('mmdebstrap')), 'sh', '-c', 'sleep 60 & sleep 60'],
        options,
      );
      ended = program.exitCode;
      mkdirSync(join(options.env?.['TMPDIR'] ?? '', 'root'));
      writeFileSync(join(options.env?.['TMPDIR'] ?? '', 'root/file'), '');
      cancel.abort();
      return program;
    },
  };
  const all = await tempImages(sleeping);
  await expect(all.images.build(request, cancel.signal)).rejects.toMatchObject({ name: 'AbortError' });
  expect(await ended).toBe(137);
  expect(unfinished(all.store)).toEqual([]);
});

test.each([
  ['etc/machine-id', 'empty'],
  ['dev', 'keep'],
  ['dev/null', 'drop'],
  ['devel/x', 'keep'],
  ['var/lib/apt/lists', 'keep'],
  ['var/lib/apt/lists/x', 'drop'],
  ['usr/dev/null', 'keep'],
])('of a built system %s is: %s', (path, what) => expect(editBuilt(path)).toBe(what));
