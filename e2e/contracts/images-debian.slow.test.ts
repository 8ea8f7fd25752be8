/** A whole Debian in and out: no file is lost, and nothing that is known of one. */
import { spawn } from 'node:child_process';
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Images } from '@volt/agent/images';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureBase } from '../lab/base-image.ts';
import { prepareHost } from '../lab/index.ts';
import { defaultLabDir } from '../lab/settings.ts';
import { images as imagesAt } from './images-at.ts';
import { listing, ociPackages, sh } from './oci-tools.ts';

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'volt-debian-'));
const TAR = ['--numeric-owner', '--xattrs', '--xattrs-include=*', '--format=pax'];
let images: Images;
let wanted: string[];

beforeAll(async () => {
  await prepareHost(console.error, ociPackages);
  const base = await ensureBase(defaultLabDir(), console.error);
  images = await imagesAt(folder);
  wanted = listing(base);
  const tar = spawn('tar', [...TAR, '-cf', '-', '-C', base, '.'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await images.importTar({ name: 'debian', source: tar.stdout }, signal);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (format: 'oci' | 'rootfs', packing: 'none' | 'gzip' | 'zstd', file: string) =>
  pipeline(images.export({ name: 'debian', format, packing }, signal), createWriteStream(join(folder, file)));

test('GNU tar unpacks the files we write as they were', async () => {
  await write('rootfs', 'none', 'rootfs.tar');
  sh(`mkdir ours; tar ${TAR.slice(0, 3).join(' ')} -xpf rootfs.tar -C ours`, folder);
  expect(wanted.length).toBeGreaterThan(10_000);
  expect(listing(join(folder, 'ours'))).toEqual(wanted);
});

test('umoci unpacks the image we write as it was, but for parts of a second', async () => {
  await write('oci', 'gzip', 'out.tar');
  sh('mkdir out; tar -xf out.tar -C out; umoci unpack --image out:latest bundle', folder);
  const coarse = (lines: string[]) => lines.map((line) => line.replace(/ (\d+)\.\d+( |$)/, ' $1$2'));
  expect(coarse(listing(join(folder, 'bundle/rootfs')))).toEqual(coarse(wanted));
});

test('what comes back in is the same tree', async () => {
  await write('oci', 'zstd', 'again.tar');
  await images.importTar({ name: 'again', source: createReadStream(join(folder, 'again.tar')) }, signal);
  expect((await images.resolve('again')).tree).toBe((await images.resolve('debian')).tree);
});
