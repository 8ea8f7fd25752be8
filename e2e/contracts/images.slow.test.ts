/** A real Debian through a real mmdebstrap: what comes out as a lower is what GNU tar would have unpacked. */
import { execFileSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { kernelSpecialFiles, NodePrograms, type OpenProgram, type Programs } from '@volt/agent/host';
import { Images } from '@volt/agent/images';
import { openStore, serveObjects } from '@volt/agent/store';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { hostMirrors } from '../lab/apt-sources.ts';
import { packageServer } from '../lab/gateway/packages.ts';
import { defaultLabDir, labPaths } from '../lab/settings.ts';
import { mountLower, type Mounted } from './mounted-lower.ts';

/** A build downloads and unpacks a Debian: how long that takes is up to the mirror and the disk. */
const BUILD_MS_MAX = 300_000;
vi.setConfig({ testTimeout: BUILD_MS_MAX, hookTimeout: BUILD_MS_MAX });

const { signal } = new AbortController();

const folder = mkdtempSync(join(tmpdir(), 'volt-images-'));
const archive = join(folder, 'debian.tar');
const unpacked = join(folder, 'unpacked');

/** Keeps a copy of the archive that mmdebstrap writes. */
class CopyingPrograms extends NodePrograms implements Programs {
  override async open(...args: Parameters<Programs['open']>): Promise<OpenProgram> {
    const program = await super.open(...args);
    return { ...program, stdout: copied(program.stdout) };
  }
}

async function* copied(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const file = createWriteStream(archive);
  for await (const chunk of chunks) {
    if (!file.write(chunk)) await once(file, 'drain');
    yield chunk;
  }
  file.end();
  await once(file, 'close');
}

async function node(name: string, programs: Programs = new NodePrograms()) {
  const root = join(folder, name);
  const folders = { root: join(root, 'cas'), images: join(root, 'images') };
  // So that the contents can be seen without a mount; lowers.test.ts says that the other ways show the same.
  const store = await openStore({ ...folders, programs, specials: kernelSpecialFiles, lowers: 'hardlink' });
  const scratch = join(root, 'cas/tmp');
  return { store, images: new Images({ store, programs, scratch, usersOf: async () => [], now: () => new Date() }) };
}

type Node = Awaited<ReturnType<typeof node>>;
let builder: Node;
let lower: string;
/** The lower as containers see it: its files may be no more than names of contents. */
let mounted: Mounted;
let mirror: string;
const lines: string[] = [];

// The lab's store of packages: what an earlier run or a node fetched is not fetched again.
const packages = packageServer(await hostMirrors(), labPaths(defaultLabDir(), 'volt').packageCache);

beforeAll(async () => {
  packages.listen(0, '127.0.0.1');
  await once(packages, 'listening');
  mirror = `http://127.0.0.1:${(packages.address() as AddressInfo).port}/debian`;
  builder = await node('builder', new CopyingPrograms());
  await builder.images.build(
    {
      name: 'debian',
      suite: 'trixie',
      mirror,
      packages: ['iputils-ping'],
      entrypoint: ['/bin/sh'],
      script: 'echo built >/etc/built\n',
      variant: 'apt',
      onLine: (line) => lines.push(line),
    },
    signal,
  );
  lower = await builder.images.ensureLower((await builder.images.resolve('debian')).tree, signal);
  mounted = await mountLower(lower, join(folder, 'mounted'));
  mkdirSync(unpacked);
  execFileSync('tar', ['--numeric-owner', '--xattrs', '--xattrs-include=*', '-xpf', archive, '-C', unpacked]);
});

afterAll(async () => {
  await mounted?.unmount();
  packages.closeAllConnections();
  packages.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Type, mode, owner, time to the microsecond, size, target and path of everything, as `find` sees it. */
function listing(root: string): string[] {
  const format = String.raw`%y %m %U:%G %T@ %s %l %P\n`;
  const text = execFileSync('find', [root, '-printf', format], { encoding: 'latin1', maxBuffer: 1 << 28 });
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => line.replace(/(\.\d{6})\d*/, '$1').replace(/^(d (?:\S+ ){3})\d+/, '$1'))
    .toSorted();
}

/** What an image leaves out: devices, apt's downloads. */
const isKept = (line: string): boolean => !/ (dev|var\/cache\/apt|var\/lib\/apt\/lists)\/[^/]/.test(line);

const sums = (root: string): string =>
  execFileSync(
    'sh',
    [
      '-c',
      'find . -type f -not -path "./var/lib/apt/lists/*" -not -path "./var/cache/apt/*" -exec sha1sum {} + | sort -k2',
    ],
    {
      cwd: root,
      encoding: 'latin1',
      maxBuffer: 1 << 28,
    },
  );

test('the lower has every entry of the archive with its metadata', () => {
  const wanted = listing(unpacked).filter(isKept);
  expect(wanted.length).toBeGreaterThan(1000);
  expect(listing(lower)).toEqual(wanted);
});

test('the lower has the contents of the archive', () => {
  expect(sums(mounted.root)).toBe(sums(unpacked));
});

test('the script has run, the machine has no identity, and progress was told', () => {
  expect(statSync(join(mounted.root, 'etc/built')).size).toBe(6);
  expect(statSync(join(lower, 'etc/machine-id'), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
  expect(lines.some((line) => line.includes('installing'))).toBe(true);
});

test('nothing of the build is left', () => {
  expect(readdirSync(join(folder, 'builder/cas/tmp'))).toEqual([]);
  expect(execFileSync('cat', ['/proc/self/mounts'], { encoding: 'utf8' })).not.toContain(folder);
});

test('another node that pulls the image lays out the same', async () => {
  const puller = await node('puller');
  const { manifest, tree } = await builder.images.resolve('debian');
  const fetch = async (digests: readonly string[]) => serveObjects(builder.store.objects, digests);
  await puller.images.pull({ digest: manifest, name: 'debian', peers: [{ name: 'builder', fetch }] }, signal);
  expect(listing(await puller.images.ensureLower(tree, signal))).toEqual(listing(lower));
});

test('a second image of the same contents adds next to nothing', async () => {
  const count = async () => (await Array.fromAsync(builder.store.objects.list())).length;
  const before = await count();
  const source = createReadStream(archive);
  await builder.images.importTar({ name: 'again', source }, signal);
  expect((await count()) - before).toBeLessThan(60);
});

test('a package that does not exist is named', async () => {
  const request = {
    name: 'wrong',
    suite: 'trixie',
    mirror,
    packages: ['no-such-package-volt'],
    entrypoint: [],
    variant: 'apt' as const,
  };
  await expect(builder.images.build(request, signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: expect.stringContaining('no-such-package-volt'),
  });
  expect(readdirSync(join(folder, 'builder/cas/tmp'))).toEqual([]);
});
