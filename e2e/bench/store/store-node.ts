/** The node of this bench: our driver, its peers, and a Debian of ten thousand files to store. */
import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { DEFAULT_BINARY, defaultLabDir, ensureBase, type LabNode, mustRun, openLab } from '../../lab/index.ts';
import type { Report } from '../bench.ts';
import { type Measure, startMeter } from '../start/index.ts';

const PACKER = resolve(import.meta.dirname, '../../../scripts/build/store-driver.ts');
const LAB_NAME = 'volt-bench';
/** On the node's disk. */
export const FOLDER = '/var/lib/volt/bench';
export const DRIVER = `${FOLDER}/volt-store`;
export const ROOTFS = `${FOLDER}/rootfs`;
export const LARGE_FOLDER = `${FOLDER}/large`;
export const LARGE = `${LARGE_FOLDER}/file`;

/** About 10,000 files and 230 MB beside what every node has. */
const flavour = { name: 'store', packages: ['perl', 'python3'] };

export interface StoreNode extends AsyncDisposable {
  readonly node: LabNode;
  readonly measure: Measure;
  /** Runs our driver and gives the line it prints. */
  readonly drive: (...argv: readonly string[]) => Promise<Readonly<Record<string, number>>>;
}

/** Disposing of it takes the lab down. */
export async function openStoreNode(report: Report): Promise<StoreNode> {
  const lab = await openLab({ name: LAB_NAME, nodes: 1, report });
  const stack = new AsyncDisposableStack();
  stack.defer(() => lab.down());
  try {
    await lab.up({ binary: DEFAULT_BINARY });
    const node = lab.node(1);
    report('Packing the driver');
    await copyDriver(node, stack);
    report('Copying a Debian to the node');
    await copyRootfs(node, report, stack);
    await node.sh(`mkdir ${LARGE_FOLDER}; head -c 1G /dev/urandom > ${LARGE}; sync`, { timeoutMs: 120_000 });
    const meter = await startMeter(node);
    stack.defer(meter.stop);
    const drive: StoreNode['drive'] = async (...argv) =>
      JSON.parse(await node.sh([DRIVER, ...argv].join(' '), { timeoutMs: 900_000 })) as Record<string, number>;
    return { node, measure: meter.measure, drive, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function copyDriver(node: LabNode, stack: AsyncDisposableStack): Promise<void> {
  const folder = join(defaultLabDir(), `bench-driver-${process.pid}`);
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  await mustRun([process.execPath, PACKER, folder], { timeoutMs: 60_000 });
  await node.copyIn(join(folder, 'volt-store'), DRIVER, 0o755);
}

async function copyRootfs(node: LabNode, report: Report, stack: AsyncDisposableStack): Promise<void> {
  const base = await ensureBase(defaultLabDir(), report, flavour);
  const tar = join(defaultLabDir(), `bench-rootfs-${process.pid}.tar`);
  stack.defer(() => rm(tar, { force: true }));
  await mustRun(['tar', '--create', '--numeric-owner', '--xattrs', `--file=${tar}`, `--directory=${base}`, '.']);
  await node.copyIn(tar, `${ROOTFS}.tar`);
  await node.sh(`mkdir ${ROOTFS}
    tar --extract --numeric-owner --xattrs --xattrs-include='*' --file=${ROOTFS}.tar --directory=${ROOTFS}
    rm ${ROOTFS}.tar`);
}
