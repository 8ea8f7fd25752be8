import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { expect, test } from 'vitest';
import { imageOf, layoutOfImage } from '../oci/testing.ts';
import { unfinished } from '../store/testing.ts';
import type { ExportRequest } from './export.ts';
import { chunksOf, signal, tarOf, type TempImages, tempImages } from './testing.ts';

const contents = Buffer.alloc(3_000_001, 'volt');
const tar = tarOf(
  { name: './', flag: '5', mode: 0o700 },
  { name: 'a/', flag: '5', mode: 0o2755, mtime: 5 },
  { name: 'a/large', contents, mode: 0o4755 },
  { name: 'a/second', flag: '1', linkName: 'a/large' },
  { name: 'a.first', contents: 'linked from a folder that comes before' },
  { name: 'a/later', flag: '1', linkName: 'a.first' },
  { name: 'a/bytes\xff\n', contents: 'x', pax: { mtime: '-1.25', uid: '3000000000' } },
  { name: 'b', contents: '', pax: { 'SCHILY.xattr.security.capability': '\x01\0\xff' } },
  { name: 'link', flag: '2', linkName: '/../x'.repeat(40) },
  { name: 'n'.repeat(99), pax: { path: `${'n'.repeat(200)}/${'m'.repeat(200)}` } },
  { name: 'null', flag: '3', major: 1, minor: 3 },
  { name: 'pipe', flag: '6' },
);

const all = async (): Promise<TempImages> => {
  const made = await tempImages();
  await made.images.importTar({ name: 'web:1', source: chunksOf(tar), config: { cmd: ['/a/large'] } }, signal);
  return made;
};

const exported = async ({ images }: TempImages, request: Partial<ExportRequest> = {}): Promise<Buffer> => {
  const options: ExportRequest = { name: 'web:1', format: 'oci', packing: 'gzip', ...request };
  return Buffer.concat(await Array.fromAsync(images.export(options, signal)));
};

test.each([
  ['oci', 'gzip'],
  ['oci', 'zstd'],
  ['oci', 'none'],
  ['rootfs', 'none'],
  ['rootfs', 'gzip'],
  ['rootfs', 'zstd'],
] as const)('what is exported as %s, packed with %s, is imported as the same tree', async (format, packing) => {
  const made = await all();
  const archive = await exported(made, { format, packing });
  await made.images.importTar({ name: 'again', source: chunksOf(archive) }, signal);
  const [first, again] = await Promise.all([made.images.resolve('web:1'), made.images.resolve('again')]);
  expect(again.tree).toBe(first.tree);
  if (format === 'oci') expect(again.config).toEqual(first.config);
  expect(unfinished(made.store)).toEqual([]);
});

test('the same image gives the same bytes', async () => {
  const made = await all();
  expect((await exported(made)).equals(await exported(made))).toBe(true);
});

test('an archive can be read as that of docker save', async () => {
  const made = await all();
  const source = chunksOf(await exported(made));
  await made.images.importTar({ name: 'docker', source, format: 'docker', ref: 'web:1' }, signal);
  expect((await made.images.resolve('docker')).tree).toBe((await made.images.resolve('web:1')).tree);
});

test('configuration, platform and history survive a round trip', async () => {
  const made = await tempImages();
  const history = [{ created_by: 'ADD x', created: '2024-01-01T00:00:00Z' }];
  const config = {
    Env: ['A=b=c'],
    User: '5',
    Labels: { a: 'b' },
    StopSignal: 'SIGRTMIN+3',
    ExposedPorts: { '1/udp': {} },
  };
  const image = imageOf([tar], { config, document: { history, architecture: 'arm', variant: 'v7' } });
  await made.images.importTar({ name: 'web:1', source: chunksOf(layoutOfImage(image)) }, signal);
  const before = await made.images.inspect('web:1');
  for (const name of ['second', 'third']) {
    await made.images.importTar({ name, source: chunksOf(await exported(made)) }, signal);
    const { config: kept, platform, tree } = await made.images.inspect(name);
    expect({ config: kept, platform, tree }).toEqual({
      config: before.config,
      platform: before.platform,
      tree: before.tree,
    });
    const steps = (await made.images.history(name)).map(({ createdBy }) => createdBy);
    expect(steps).toEqual(['volt image export', 'ADD x']);
    await made.images.names.tag(name, 'web:1');
  }
});

test('GNU tar reads the bare files', async () => {
  const archive = await exported(await all(), { format: 'rootfs', packing: 'none' });
  const listed = execFileSync('tar', ['-tf', '-'], { input: archive, encoding: 'latin1' });
  expect(listed.split('\n')).toEqual([
    './',
    'a/',
    'a/bytes\\377\\n',
    'a/large',
    'a/later',
    'a/second',
    'a.first',
    'b',
    'link',
    `${'n'.repeat(200)}/`,
    `${'n'.repeat(200)}/${'m'.repeat(200)}`,
    'null',
    'pipe',
    '',
  ]);
});

test('a file that a layer cannot hold is named, and is held by the bare files', async () => {
  const made = await tempImages();
  await made.images.importTar({ name: 'web:1', source: chunksOf(tarOf({ name: 'd/.wh.x' })) }, signal);
  await expect(exported(made)).rejects.toMatchObject({
    code: 'INVALID_CONFIG',
    message: "'d/.wh.x' would be taken for a removal by other engines",
  });
  expect(unfinished(made.store)).toEqual([]);
  expect((await exported(made, { format: 'rootfs' })).length).toBeGreaterThan(0);
});

test('a missing file ends the export with an error, and a reader that leaves leaves nothing', async () => {
  const made = await all();
  for await (const _chunk of made.images.export({ name: 'web:1', format: 'oci', packing: 'none' }, signal)) break;
  expect(unfinished(made.store)).toEqual([]);
  rmSync(made.store.objects.pathOf(made.store.objects.hash.of(contents)));
  await expect(exported(made)).rejects.toMatchObject({ code: 'DEPENDENCY' });
  await expect(exported(made, { format: 'rootfs' })).rejects.toMatchObject({ code: 'DEPENDENCY' });
  expect(unfinished(made.store)).toEqual([]);
});
