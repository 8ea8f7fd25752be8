/** The disks of a virtual machine: Debian with its kernel, made once, and a small one that carries the binary. */
import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { ensureBase, mustRun, type Flavour, type Report } from '../lab/index.ts';

const kernel = process.arch === 'arm64' ? 'arm64' : 'amd64';
const flavour: Flavour = {
  name: 'vm',
  packages: [`linux-image-cloud-${kernel}`, 'initramfs-tools', 'qemu-guest-agent'],
};

const ROOT_SIZE = '6G';
const PAYLOAD_SIZE = '256M';

export interface Boot {
  /** An ext4 file system, never written: machines put a layer of their own on it. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
}

/** Made in `dir` when it is not there. */
export async function ensureBoot(dir: string, report: Report): Promise<Boot> {
  const tree = await ensureBase(dir, report, flavour);
  const disk = `${tree}.ext4`;
  if (!existsSync(disk)) await makeDisk({ source: tree, disk, size: ROOT_SIZE });
  return {
    disk,
    kernel: await only(join(tree, 'boot'), 'vmlinuz-'),
    initrd: await only(join(tree, 'boot'), 'initrd.img-'),
  };
}

/** A disk with one file system that holds the folder's contents. Its name says which binary is in it. */
export async function ensurePayload(dir: string, binary: string): Promise<string> {
  const { size, mtimeMs } = statSync(binary);
  const key = createHash('sha256').update(`${size} ${mtimeMs}`).digest('hex').slice(0, 16);
  const disk = join(dir, `payload-${key}.ext4`);
  if (existsSync(disk)) return disk;
  for (const name of await readdir(dir))
    if (name.startsWith('payload-')) await rm(join(dir, name), { recursive: true });
  const source = join(dir, `payload-${key}.folder`);
  await mkdir(source, { recursive: true });
  await mustRun(['cp', '--', binary, join(source, 'volt')]);
  await makeDisk({ source, disk, size: PAYLOAD_SIZE });
  await rm(source, { recursive: true });
  return disk;
}

async function makeDisk({ source, disk, size }: { source: string; disk: string; size: string }): Promise<void> {
  const partial = `${disk}.${process.pid}.partial`;
  try {
    await mustRun(['mke2fs', '-q', '-F', '-t', 'ext4', '-d', source, partial, size], { timeoutMs: 5 * 60_000 });
    await rename(partial, disk);
  } finally {
    await rm(partial, { force: true });
  }
}

async function only(folder: string, prefix: string): Promise<string> {
  const [name] = (await readdir(folder)).filter((entry) => entry.startsWith(prefix));
  if (name === undefined) throw new VoltError('DEPENDENCY', `There is no '${prefix}…' in ${folder}`);
  return join(folder, name);
}
