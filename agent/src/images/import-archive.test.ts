import { zstdCompressSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  blobOf,
  blobsOf,
  descriptorOf,
  imageOf,
  indexOf,
  layoutOf,
  layoutOfImage,
  mediaTypes,
  sha256,
  type Blob,
} from '../oci/testing.ts';
import { decodeTree } from '../store/index.ts';
import { unfinished } from '../store/testing.ts';
import type { ImportRequest } from './images.ts';
import { chunksOf, signal, tarOf, type TempImages, tempImages } from './testing.ts';

const lower = tarOf({ name: 'bin/app', contents: 'one' }, { name: 'etc/old', contents: 'old' });
const upper = tarOf({ name: 'bin/app', contents: 'two' }, { name: 'etc/.wh.old' });

const load = ({ images }: TempImages, archive: Buffer, more: Partial<ImportRequest> = {}) =>
  images.importTar({ name: 'web', source: chunksOf(archive), ...more }, signal);

async function listed(all: TempImages, name = 'web'): Promise<string[]> {
  const { tree } = await all.images.resolve(name);
  return decodeTree(all.store.objects.read(tree))
    .filter(({ type }) => type !== 'dir')
    .map(({ path }) => path);
}

const config = {
  User: 'app:www',
  ExposedPorts: { '53/udp': {}, '8080': {} },
  Env: ['PATH=/bin', 'EMPTY=', 'odd.name=x', 'NOVALUE'],
  Entrypoint: ['/bin/app'],
  Cmd: ['--serve'],
  WorkingDir: '/srv',
  Labels: { 'org.example': 'yes' },
  StopSignal: '3',
  Volumes: { '/data/': {}, '/proc/x': {} },
};

const history = [
  { created: '2024-01-01T00:00:00.5Z', created_by: 'ADD rootfs.tar', comment: 'base' },
  { created_by: 'ENV PATH=/bin', empty_layer: true },
];

describe('an OCI layout', () => {
  test('becomes an image with its layers, configuration and history', async () => {
    const all = await tempImages();
    const image = imageOf([lower, upper], { config, document: { created: '2024-05-06T07:08:09Z', history } });
    await load(all, layoutOfImage(image));
    expect(await listed(all)).toEqual(['bin/app']);
    expect(await all.images.inspect('web')).toMatchObject({
      config: {
        user: 'app:www',
        exposedPorts: ['53/udp', '8080/tcp'],
        env: { PATH: '/bin', EMPTY: '' },
        entrypoint: ['/bin/app'],
        cmd: ['--serve'],
        workdir: '/srv',
        labels: { 'org.example': 'yes' },
        stopSignal: 'SIGQUIT',
      },
      platform: { os: 'linux' },
      origin: { format: 'oci', digest: sha256(image.manifest.bytes), builtAt: '2024-05-06T07:08:09.000Z' },
    });
    expect(await all.images.history('web')).toEqual([
      { createdBy: 'ENV PATH=/bin', hasFiles: false },
      { createdAt: '2024-01-01T00:00:00.500Z', createdBy: 'ADD rootfs.tar', comment: 'base', hasFiles: true },
    ]);
    expect(unfinished(all.store)).toEqual([]);
  });

  test('says what it asks for and does not get', async () => {
    const lines: string[] = [];
    const image = imageOf([lower], { config });
    await load(await tempImages(), layoutOfImage(image), { onLine: (line) => lines.push(line) });
    expect(lines.join('\n')).toMatch(
      /variable 'odd.name=x' is left out[^]*'NOVALUE'[^]*No volume is made for some of \/data\/, \/proc\/x/,
    );
  });

  test('gives way to what the user says', async () => {
    const all = await tempImages();
    await load(all, layoutOfImage(imageOf([lower], { config })), { config: { cmd: ['--help'], user: '' } });
    expect(await all.images.inspect('web')).toMatchObject({
      config: { entrypoint: ['/bin/app'], cmd: ['--help'], user: '', workdir: '/srv' },
    });
  });

  test.each([
    ['plain', (tar: Buffer): Blob => ({ mediaType: mediaTypes.layer, bytes: tar })],
    ['zstd', (tar: Buffer): Blob => ({ mediaType: `${mediaTypes.layer}+zstd`, bytes: zstdCompressSync(tar) })],
    [
      'Docker',
      (tar: Buffer): Blob => ({
        mediaType: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
        bytes: gzipSync(tar),
      }),
    ],
  ])('has layers of any kind: %s', async (_name, pack) => {
    const all = await tempImages();
    await load(all, layoutOfImage(imageOf([lower, upper], { pack })));
    expect(await listed(all)).toEqual(['bin/app']);
  });

  test('may be packed itself, and an empty layer is one', async () => {
    const all = await tempImages();
    await load(all, gzipSync(layoutOfImage(imageOf([lower, tarOf()]))));
    expect(await listed(all)).toEqual(['bin/app', 'etc/old']);
  });

  test('of several machines gives the one that is asked for, or this one', async () => {
    const all = await tempImages();
    const [mine, other] = [imageOf([lower]), imageOf([upper], { document: { architecture: 's390x' } })];
    const here = process.arch === 'x64' ? 'amd64' : process.arch;
    const index = indexOf(
      descriptorOf(other.manifest, { platform: { os: 'linux', architecture: 's390x' } }),
      descriptorOf(mine.manifest, { platform: { os: 'linux', architecture: here } }),
      descriptorOf(other.config, { platform: { os: 'unknown', architecture: 'unknown' } }),
    );
    const archive = layoutOf([...blobsOf(mine), ...blobsOf(other), index], [descriptorOf(index)]);
    await load(all, archive);
    expect(await listed(all)).toEqual(['bin/app', 'etc/old']);
    await load(all, archive, { platform: 'linux/s390x' });
    expect(await all.images.inspect('web')).toMatchObject({ platform: { os: 'linux', architecture: 's390x' } });
    await expect(load(all, archive, { platform: 'linux/arm/v7' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'The image is not made for linux/arm/v7',
      hint: expect.stringContaining('linux/s390x'),
    });
  });

  test('of several images wants to know which', async () => {
    const all = await tempImages();
    const [one, two] = [imageOf([lower]), imageOf([upper])];
    const named = (image: typeof one, name: string) =>
      descriptorOf(image.manifest, { annotations: { 'org.opencontainers.image.ref.name': name } });
    const archive = layoutOf([...blobsOf(one), ...blobsOf(two)], [named(one, 'a:1'), named(two, 'b:2')]);
    await expect(load(all, archive)).rejects.toMatchObject({ code: 'USAGE', hint: 'choose one with --ref: a:1, b:2' });
    await expect(load(all, archive, { ref: 'c' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await load(all, archive, { ref: 'b:2' });
    expect((await all.images.inspect('web')).origin?.reference).toBe('b:2');
  });
});

describe('what docker save writes', () => {
  const image = imageOf([lower, upper], { config });
  const configName = `${sha256(image.config.bytes).slice(7)}.json`;
  const ids = ['1'.repeat(64), '2'.repeat(64)];
  const manifest = [{ Config: configName, RepoTags: ['web:1'], Layers: ids.map((id) => `${id}/layer.tar`) }];

  test('becomes an image', async () => {
    const all = await tempImages();
    await load(
      all,
      tarOf(
        { name: `${ids[0]}/`, flag: '5' },
        { name: `${ids[0]}/layer.tar`, contents: lower },
        { name: `${ids[1]}/layer.tar`, contents: upper },
        { name: configName, contents: image.config.bytes },
        { name: 'manifest.json', contents: JSON.stringify(manifest) },
      ),
    );
    expect(await listed(all)).toEqual(['bin/app']);
    expect(await all.images.inspect('web')).toMatchObject({
      config: { workdir: '/srv' },
      origin: { format: 'docker', reference: 'web:1' },
    });
  });

  test('may keep layers under links', async () => {
    const all = await tempImages();
    const digests = [lower, upper].map((tar) => `${sha256(tar).slice(7)}.tar`);
    await load(
      all,
      tarOf(
        { name: digests[0]!, contents: lower },
        { name: `${ids[0]}/layer.tar`, flag: '2', linkName: `../${digests[0]}` },
        { name: digests[1]!, contents: upper },
        { name: `${ids[1]}/layer.tar`, flag: '1', linkName: digests[1]! },
        { name: configName, contents: image.config.bytes },
        { name: 'manifest.json', contents: JSON.stringify(manifest) },
      ),
    );
    expect(await listed(all)).toEqual(['bin/app']);
  });

  test('with other layers than the configuration lists is refused', async () => {
    const archive = tarOf(
      { name: `${ids[0]}/layer.tar`, contents: upper },
      { name: `${ids[1]}/layer.tar`, contents: lower },
      { name: configName, contents: image.config.bytes },
      { name: 'manifest.json', contents: JSON.stringify(manifest) },
    );
    await expect(load(await tempImages(), archive)).rejects.toThrow(/a layer|something else/);
  });
});

describe('a root file system', () => {
  test('is what looks like no image, or what somebody says is one', async () => {
    const all = await tempImages();
    await load(all, tarOf({ name: './', flag: '5' }, { name: './blobs.txt', contents: 'x' }));
    expect(await listed(all)).toEqual(['blobs.txt']);
    const odd = tarOf({ name: 'manifest.json', contents: '[]' });
    await expect(load(all, odd)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    await load(all, odd, { format: 'rootfs' });
    expect(await listed(all)).toEqual(['manifest.json']);
    await expect(load(all, tarOf({ name: 'index.json' }))).rejects.toMatchObject({
      hint: 'if it is a root file system, add --format rootfs',
    });
  });
});

describe('a hostile or broken image is refused, and nothing of it is published:', () => {
  const good = imageOf([lower]);
  const top = descriptorOf(good.manifest);
  const swapped = (blob: Blob, bytes: string): Blob => ({ ...blob, bytes: Buffer.from(bytes) });
  const entryOf = ({ bytes }: Blob, contents: Buffer | string = bytes) => ({
    name: `blobs/${sha256(bytes).replace(':', '/')}`,
    contents,
  });
  const deep = [1, 2, 3, 4].reduce<Blob[]>((all) => [...all, indexOf(descriptorOf(all.at(-1)!))], [good.manifest]);
  const archives: Record<string, Buffer> = {
    'no manifest': layoutOf([good.config, ...good.layers], [top]),
    'no configuration': layoutOf([good.manifest, ...good.layers], [top]),
    'no layer': layoutOf([good.manifest, good.config], [top]),
    'no image': layoutOf([], []),
    'a manifest of other bytes': layoutOf(
      [good.config, ...good.layers],
      [top],
      [entryOf(good.manifest, good.manifest.bytes.toString().replace('2', '3'))],
    ),
    'a layer of other bytes': layoutOf(
      [good.manifest, good.config],
      [top],
      [entryOf(good.layers[0]!, gzipSync(upper))],
    ),
    'a layer that is cut short': layoutOf(
      [good.manifest, good.config],
      [top],
      [entryOf(good.layers[0]!, good.layers[0]!.bytes.subarray(0, 50))],
    ),
    'a wrong size of a manifest': layoutOf(blobsOf(good), [{ ...top, size: 1 }]),
    'a wrong size of a layer': layoutOfImage(
      imageOf([lower], { manifest: { layers: [{ ...descriptorOf(good.layers[0]!), size: 10 }] } }),
    ),
    'a digest that is a path': layoutOf(blobsOf(good), [{ ...top, digest: 'sha256:../../../etc/passwd' }]),
    'an unknown algorithm': layoutOf(blobsOf(good), [{ ...top, digest: `md5:${'a'.repeat(32)}` }]),
    'a layer of an unknown type': layoutOfImage(
      imageOf([lower], { pack: (bytes) => ({ mediaType: 'text/x', bytes }) }),
    ),
    'a manifest under a wrong type': layoutOf(blobsOf(good), [{ ...top, mediaType: mediaTypes.index }]),
    'a manifest that is an index as well': layoutOfImage(imageOf([lower], { manifest: { manifests: [] } })),
    'the first Docker format': layoutOfImage(imageOf([lower], { manifest: { schemaVersion: 1 } })),
    'layers that are other ones when unpacked': layoutOfImage(
      imageOf([lower], { document: { rootfs: { diff_ids: [sha256(upper)] } } }),
    ),
    'more layers than the configuration lists': layoutOfImage(
      imageOf([lower], { document: { rootfs: { diff_ids: [] } } }),
    ),
    'a million layers': layoutOfImage(
      imageOf([lower], { manifest: { layers: Array.from({ length: 10_000 }, () => descriptorOf(good.layers[0]!)) } }),
    ),
    'indexes that are too deep': layoutOf([...deep, ...blobsOf(good)], [descriptorOf(deep.at(-1)!)]),
    'a manifest that is not JSON': layoutOf(
      [swapped(good.manifest, '{"schemaVersion":2')],
      [descriptorOf(swapped(good.manifest, '{"schemaVersion":2'))],
    ),
    'a manifest larger than 4 MiB': layoutOf(
      [swapped(good.manifest, ' '.repeat(5 << 20))],
      [descriptorOf(swapped(good.manifest, ' '.repeat(5 << 20)))],
    ),
    'the same name twice': layoutOf(blobsOf(good), [top], [entryOf(good.manifest)]),
    'a link in a circle': layoutOf(
      [good.config, ...good.layers],
      [top],
      [
        { name: entryOf(good.manifest).name, flag: '2', linkName: '../sha256/x' },
        { name: 'blobs/sha256/x', flag: '2', linkName: entryOf(good.manifest).name.replace('blobs/sha256/', '') },
      ],
    ),
    'a link out of the archive': layoutOf(
      [good.config, ...good.layers],
      [top],
      [{ name: entryOf(good.manifest).name, flag: '2', linkName: '../../../../../etc/passwd' }],
    ),
    'a device among its files': layoutOf(blobsOf(good), [top], [{ name: 'x', flag: '3', major: 1, minor: 3 }]),
    'a configuration of nonsense': layoutOfImage(imageOf([lower], { document: { config: { Env: 'A=b' } } })),
    'arguments out of bounds': layoutOfImage(imageOf([lower], { config: { Cmd: ['x'.repeat(9000)] } })),
    'a layer that leads out': layoutOfImage(imageOf([tarOf({ name: '../x' })])),
    'a layer that removes the root': layoutOfImage(imageOf([lower, tarOf({ name: '.wh.' })])),
    'cut short': layoutOfImage(good).subarray(0, 3000),
  };
  test.each(Object.entries(archives))('%s', async (_name, archive) => {
    const all = await tempImages();
    await expect(load(all, archive)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
    expect(await all.images.list()).toEqual([]);
    expect(unfinished(all.store)).toEqual([]);
    for await (const digest of all.store.objects.list()) expect(digest).toBe('nothing');
  });

  test('any change of any document ends in one of our errors', async () => {
    const all = await tempImages();
    const base = layoutOfImage(imageOf([lower], { config, document: { history } }));
    await fc.assert(
      fc.asyncProperty(fc.nat(base.length - 1), fc.nat(255), fc.nat(8), async (at, value, length) => {
        const bytes = Buffer.from(base);
        bytes.fill(value, at, Math.min(at + length, bytes.length));
        await load(all, bytes).catch((thrown: unknown) =>
          expect(thrown).toMatchObject({ code: expect.stringMatching(/^(INVALID_CONFIG|NOT_FOUND|USAGE)$/) }),
        );
      }),
      { numRuns: 150 },
    );
    expect(unfinished(all.store)).toEqual([]);
  });

  test('any JSON for a manifest or a configuration ends in one of our errors', async () => {
    const all = await tempImages();
    const value = fc.dictionary(
      fc.constantFrom('schemaVersion', 'mediaType', 'config', 'layers', 'manifests', 'rootfs', 'history', 'os'),
      fc.oneof(fc.constant(2), fc.jsonValue(), fc.constant([descriptorOf(good.config)])),
    );
    await fc.assert(
      fc.asyncProperty(value, fc.boolean(), async (document, isManifest) => {
        const odd = isManifest
          ? { ...good, manifest: blobOf(mediaTypes.manifest, document) }
          : imageOf([lower], { document });
        await load(all, layoutOfImage(odd)).catch((thrown: unknown) =>
          expect(thrown).toMatchObject({ code: expect.stringMatching(/^(INVALID_CONFIG|NOT_FOUND)$/) }),
        );
      }),
      { numRuns: 150 },
    );
  });
});
