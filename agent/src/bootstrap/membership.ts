/**
 * The files and units of membership on this machine, as one thing that is
 * there, absent or half made.
 *
 *   absent --begin--> half made --finish--> member
 *      ^                 |
 *      +------undo-------+                 member --unmake--> absent
 *
 * A marker file says "half made". It is the first to be written and the last
 * to be removed, so that whatever was cut short is found and cleared away.
 */
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import {
  CLUSTER_DIR,
  clusterFiles,
  clusterPath,
  NATS_STORES,
  readConfig,
  type ClusterConfig,
  type ClusterFile,
} from '@volt/shared/pki';
import type { BootstrapPorts } from './ports.ts';
import { controllerHere, leaveServers } from './leave-servers.ts';
import { explained } from './ready.ts';
import { controllerUnits, UNIT_DIR, type UnitFile } from './units.ts';

const MARKER = join(CLUSTER_DIR, 'half-made');
/** What the marker says when the machine is to be no member any more. */
const LEAVING = 'leaving\n';
const CLUSTER_DIR_MODE = 0o755;

type Ports = Pick<BootstrapPorts, 'files' | 'units' | 'program' | 'controllers'>;

/** What this machine is a member of; undefined when it is none, or only half. */
export async function membership({ files }: Pick<Ports, 'files'>): Promise<ClusterConfig | undefined> {
  const text = await files.read(clusterPath('config'));
  if (text === undefined || (await files.exists(MARKER))) return undefined;
  return readConfig(text, clusterPath('config'));
}

/** Clears away what an attempt left that was cut short. */
export async function clearHalfMade(ports: Ports): Promise<void> {
  const marker = await ports.files.read(MARKER);
  if (marker !== undefined) await undo(ports, { keepKey: marker !== LEAVING });
}

/** Makes a member none. Its key goes as well: no cluster is to know it again. */
export async function unmake(ports: Ports): Promise<void> {
  await ports.files.write(MARKER, LEAVING, { mode: 0o600 });
  await undo(ports, { keepKey: false });
}

/** Marks the beginning of an attempt, with nothing left of the last one. */
export async function begin(ports: Ports): Promise<void> {
  const { files } = ports;
  await clearHalfMade(ports);
  for (const store of Object.values(NATS_STORES)) await refuseForeignStore(ports, store);
  await files.makeFolder('/etc/volt', { mode: 0o755 });
  await files.makeFolder(CLUSTER_DIR, { mode: CLUSTER_DIR_MODE });
  await files.write(MARKER, '', { mode: 0o600 });
}

export async function finish({ files }: Pick<Ports, 'files'>): Promise<void> {
  await files.remove(MARKER);
}

/**
 * Takes everything back, in the order that leaves no moment in which the rest
 * could be taken for a member. With `keepKey` the node's key stays: a cluster
 * that recorded the node knows it by that key.
 */
async function undo(ports: Ports, { keepKey }: { keepKey: boolean }): Promise<void> {
  const { files, units } = ports;
  const leaving = await controllerHere(files).catch(() => undefined);
  await files.remove(clusterPath('config'));
  const made = controllerUnits(ports.program, { hasWitness: true });
  for (const { name } of made.toReversed()) {
    if (!(await files.exists(join(UNIT_DIR, name)))) continue;
    await units.disable(name);
    await units.stop(name);
    await files.remove(join(UNIT_DIR, name));
  }
  await units.reload();
  // Only once its NATS is down: a server is not taken out while it runs.
  if (leaving !== undefined) await leaveServers(ports, leaving);
  for (const store of Object.values(NATS_STORES)) await files.removeTree(store);
  for (const file of Object.keys(clusterFiles) as ClusterFile[]) {
    if (file !== 'key' || !keepKey) await files.remove(clusterPath(file));
  }
  await files.remove(MARKER);
  if (!keepKey) await files.removeTree(CLUSTER_DIR);
}

/** For use after a failure, which is what the caller must hear of. If this fails too, the next attempt does it. */
export async function undoQuietly(ports: Ports, options: { keepKey: boolean }): Promise<void> {
  await undo(ports, options).catch(() => {});
}

/** Writes cluster files; cluster.json last, since it is what makes the others count. */
export async function writeFiles(
  { files }: Pick<Ports, 'files'>,
  texts: Partial<Record<ClusterFile, string>>,
): Promise<void> {
  const { config, ...others } = texts;
  for (const [file, text] of Object.entries(others) as [ClusterFile, string][]) {
    await files.write(clusterPath(file), text, { mode: clusterFiles[file].mode });
  }
  if (config !== undefined) {
    await files.write(clusterPath('config'), config, { mode: clusterFiles.config.mode });
  }
}

export async function startUnits(
  { files, units }: Pick<Ports, 'files' | 'units'>,
  made: readonly UnitFile[],
  signal: AbortSignal,
): Promise<void> {
  for (const { name, text } of made) await files.write(join(UNIT_DIR, name), text, { mode: 0o644 });
  await units.reload();
  for (const { name } of made) {
    signal.throwIfAborted();
    await units.enable(name);
    await units.start(name, signal).catch(async (thrown) => {
      throw await explained(units, name, thrown);
    });
  }
}

/** Streams of another cluster would be mixed with ours, and votes of its servers too. */
async function refuseForeignStore({ files }: Pick<Ports, 'files'>, store: string): Promise<void> {
  if (!(await files.exists(join(store, 'jetstream')))) return;
  throw new VoltError('CONFLICT', `'${store}' holds the data of another cluster`, {
    hint: `move it away: mv ${store} ${store}.old`,
  });
}
