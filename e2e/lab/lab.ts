/**
 * A lab of real systemd nodes on one machine. It lives outside of the process
 * that made it: open it by name from anywhere, as often as you like.
 */
import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { ensureBase, removeOldBases } from './base-image.ts';
import { Cgroup, cgroupMounts, type CgroupMounts } from './cgroup.ts';
import { collectEvidence, type EvidenceCommand } from './evidence.ts';
import { Gateway } from './gateway/index.ts';
import { prepareHost, requireRoot } from './host.ts';
import { createSwitch, removeNetwork } from './network.ts';
import { LabNode } from './node.ts';
import {
  checkLabDir,
  checkLabName,
  checkNodeCount,
  DEFAULT_LAB_NAME,
  DEFAULT_NODE_COUNT,
  defaultLabDir,
  labPaths,
  nodeIndex,
  type LabPaths,
  type RelayName,
  type Report,
} from './settings.ts';
import { basesInUse, readState, writeState, type LabState } from './state.ts';

export interface LabOptions {
  readonly name?: string | undefined;
  readonly dir?: string | undefined;
  /** How many nodes `up` boots. A lab never shrinks: one that has more keeps them. */
  readonly nodes?: number | undefined;
  readonly report?: Report | undefined;
}

export interface UpOptions {
  /** Installed as /usr/local/bin/volt on every node. */
  readonly binary?: string | undefined;
}

/** Reads what there is of the lab; makes nothing. */
export async function openLab(options: LabOptions = {}): Promise<Lab> {
  requireRoot();
  const name = checkLabName(options.name ?? DEFAULT_LAB_NAME);
  const paths = labPaths(checkLabDir(options.dir ?? defaultLabDir()), name);
  const count = options.nodes === undefined ? undefined : checkNodeCount(options.nodes);
  const state = await readState(paths.state);
  return new Lab({ name, paths, count, state, cgroups: cgroupMounts(), report: options.report ?? (() => {}) });
}

interface LabSettings {
  readonly name: string;
  readonly paths: LabPaths;
  readonly count: number | undefined;
  readonly state: LabState | undefined;
  readonly cgroups: CgroupMounts;
  readonly report: Report;
}

export class Lab {
  readonly name: string;
  readonly paths: LabPaths;
  readonly #settings: LabSettings;
  readonly #cgroup: Cgroup;
  readonly #gateway: Gateway;
  #state: LabState | undefined;

  constructor(settings: LabSettings) {
    this.#settings = settings;
    this.name = settings.name;
    this.paths = settings.paths;
    this.#state = settings.state;
    this.#cgroup = new Cgroup(settings.cgroups, `${this.name}.lab`);
    this.#gateway = new Gateway(this.name, settings.paths, settings.cgroups);
  }

  /** All nodes of the lab, running or not; none before the first `up`. */
  get nodes(): LabNode[] {
    return Array.from({ length: this.#state?.nodes ?? 0 }, (_, i) => this.#makeNode(i + 1));
  }

  /** By number from 1, or by name. */
  node(which: number | string): LabNode {
    const index = typeof which === 'number' ? which : nodeIndex(which);
    if (index !== undefined && index >= 1 && index <= (this.#state?.nodes ?? 0)) return this.#makeNode(index);
    throw new VoltError('NOT_FOUND', `Lab '${this.name}' has no node '${which}'`, { hint: 'pnpm lab status' });
  }

  /**
   * Resolves once every node runs. What is there already is left as it is, so
   * it also mends a lab after a crash of the host. A first `up` that fails
   * leaves nothing behind but the base image.
   */
  async up(options: UpOptions = {}): Promise<void> {
    const isFirst = this.#state === undefined;
    try {
      await this.#bringUp(options);
    } catch (error) {
      if (isFirst) await this.down();
      throw error;
    }
  }

  /** Removes all of the lab: processes, networks, disks. Succeeds if there is none. `purge` takes the caches too. */
  async down(options: { readonly purge?: boolean } = {}): Promise<void> {
    await this.#cgroup.kill();
    await this.#cgroup.remove();
    await removeNetwork(this.name);
    await removeNspawnTraces(this.name);
    await rm(this.paths.lab, { recursive: true, force: true });
    this.#state = undefined;
    if (options.purge === true) await this.#purge();
  }

  /** Puts another `volt` on all nodes. What runs goes on with the old one until it is started again. */
  async installBinary(path: string): Promise<void> {
    if (!existsSync(path)) throw new VoltError('NOT_FOUND', `There is no binary '${path}'`, { hint: 'pnpm build' });
    await mkdir(this.paths.bin, { recursive: true });
    const target = join(this.paths.bin, 'volt');
    await copyFile(path, `${target}.partial`);
    await rename(`${target}.partial`, target);
  }

  /** The port on 127.0.0.1 that leads to a node's port, as in `hostPort('agent', 2)`. */
  hostPort(relay: RelayName, node: number | string): Promise<number> {
    return this.#gateway.hostPort(relay, this.node(node).index);
  }

  /** nats-server of the nodes' Debian release; it runs on the host as well. */
  async natsServerPath(): Promise<string> {
    const base = this.#state?.base ?? (await this.#makeBase());
    return join(base, 'usr/sbin/nats-server');
  }

  /** Gathers what explains a failure into `dir`, from nodes that are down as well. */
  async collectEvidence(dir: string, commands: readonly EvidenceCommand[] = []): Promise<void> {
    await collectEvidence(this.nodes, dir, commands);
  }

  async #bringUp(options: UpOptions): Promise<void> {
    const { report, cgroups } = this.#settings;
    const base = this.#state?.base ?? (await this.#makeBase());
    if (!existsSync(base)) {
      throw new VoltError('NOT_FOUND', `The base image '${base}' of lab '${this.name}' is gone`, {
        hint: 'pnpm lab down, then pnpm lab up',
      });
    }
    const nodes = Math.max(this.#state?.nodes ?? 0, this.#settings.count ?? this.#state?.nodes ?? DEFAULT_NODE_COUNT);
    this.#state = { version: 1, name: this.name, nodes, base };
    await writeState(this.paths.state, this.#state);
    await removeOldBases(this.paths.dir, await basesInUse(this.paths.dir));
    await mkdir(this.paths.bin, { recursive: true });
    if (options.binary !== undefined) await this.installBinary(options.binary);

    await this.#cgroup.create();
    await new Cgroup({ unified: cgroups.unified, named: [] }, `${this.name}.lab`).delegateControllers();
    await createSwitch(this.name);
    report(`Booting ${nodes} nodes`);
    await settleAll([this.#gateway.start(nodes), ...this.nodes.map((node) => node.boot())]);
  }

  async #makeBase(): Promise<string> {
    await prepareHost(this.#settings.report);
    return ensureBase(this.paths.dir, this.#settings.report);
  }

  async #purge(): Promise<void> {
    const others = await readdir(join(this.paths.dir, 'labs')).catch(() => []);
    if (others.length > 0) {
      throw new VoltError('CONFLICT', `The caches in '${this.paths.dir}' serve other labs: ${others.join(', ')}`, {
        hint: `pnpm lab down --name ${others[0]}`,
      });
    }
    const names = await readdir(this.paths.dir).catch(() => []);
    for (const name of names.filter((entry) => /^(base-[0-9a-f]{16}(\.[0-9]+\.partial)?|packages|labs)$/.test(entry))) {
      await rm(join(this.paths.dir, name), { recursive: true, force: true });
    }
  }

  #makeNode(index: number): LabNode {
    const base = this.#state?.base ?? '';
    return new LabNode({ lab: this.name, index, paths: this.paths, cgroups: this.#settings.cgroups, base });
  }
}

/** Waits for all of them even if one fails, so that nothing is still being made while it is taken down. */
async function settleAll(work: readonly Promise<void>[]): Promise<void> {
  const failed = (await Promise.allSettled(work)).find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}

async function removeNspawnTraces(lab: string): Promise<void> {
  for (const kind of ['propagate', 'unix-export']) {
    const folder = join('/run/systemd/nspawn', kind);
    for (const name of await readdir(folder).catch(() => [])) {
      if (!name.startsWith(`${lab}-`) || nodeIndex(name.slice(lab.length + 1)) === undefined) continue;
      await rm(join(folder, name), { recursive: true, force: true });
    }
  }
}
