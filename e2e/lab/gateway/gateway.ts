/**
 * Starts, finds and ends the lab's gateway: two processes joined by unix
 * sockets, one in the nodes' network, one in the host's. They live in a control
 * group of the lab's and need no one once started.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import { hostMirrors } from '../apt-sources.ts';
import { Cgroup, type CgroupMounts } from '../cgroup.ts';
import { netnsPath } from '../network.ts';
import { lastLines, spawnDetached } from '../process.ts';
import { DEFAULT_LAB_NAME, switchNetns, type LabPaths, type RelayName } from '../settings.ts';
import { writeDurably } from '../state.ts';
import type { RelayPorts } from './outside.ts';

const START_MS_MAX = 15_000;
const POLL_MS = 10;

const Ports = z.record(z.string(), z.record(z.string(), z.int()));

export class Gateway {
  readonly #lab: string;
  readonly #paths: LabPaths;
  readonly #cgroup: Cgroup;

  constructor(lab: string, paths: LabPaths, cgroups: CgroupMounts) {
    this.#lab = lab;
    this.#paths = paths;
    this.#cgroup = new Cgroup(cgroups, `${lab}.lab/gateway`);
  }

  /** Resolves once packages and relays are served for this many nodes. Starts anew what serves another number. */
  async start(nodes: number): Promise<void> {
    if ((await this.#cgroup.members()).length === 2 && (await this.#served()) === nodes) return;
    await this.stop();
    await mkdir(this.#paths.gateway, { recursive: true, mode: 0o700 });
    await this.#cgroup.create();

    const settings = {
      sockets: { packages: this.#file('packages.sock'), relays: this.#file('relays.sock') },
      mirrors: await hostMirrors(),
      cacheFolder: this.#paths.packageCache,
      nodes,
      wantsFixedPorts: this.#lab === DEFAULT_LAB_NAME,
    };
    await this.#launch('inside', ['nsenter', `--net=${netnsPath(switchNetns(this.#lab))}`, '--'], settings);
    await this.#launch('outside', [], settings);
    await Promise.all([this.#untilReady('inside'), this.#untilReady('outside')]);
  }

  async stop(): Promise<void> {
    await this.#cgroup.kill();
    await this.#cgroup.remove();
    await rm(this.#paths.gateway, { recursive: true, force: true });
  }

  /** Where on 127.0.0.1 a node's port is. */
  async hostPort(relay: RelayName, index: number): Promise<number> {
    const port = (await this.#ports())?.[relay]?.[index];
    if (port !== undefined) return port;
    throw new VoltError('NOT_FOUND', `Lab '${this.#lab}' has no relay '${relay}' to node${index}`, {
      hint: 'pnpm lab up',
    });
  }

  async #launch(half: 'inside' | 'outside', prefix: readonly string[], settings: object): Promise<void> {
    const main = join(import.meta.dirname, 'main.ts');
    // A file and not an argument: a proxy's address may hold a password.
    const file = this.#file(`${half}.settings.json`);
    await writeDurably(file, JSON.stringify({ ...settings, readyFile: this.#file(`${half}.json`) }));
    const joinGroup = ['/bin/sh', '-c', 'echo 0 > "$1/cgroup.procs" && shift && exec "$@"', 'lab-gateway'];
    const argv = [...joinGroup, this.#cgroup.path, ...prefix, process.execPath, main, half, file];
    spawnDetached(argv, { env: process.env, log: this.#file(`${half}.log`) });
  }

  async #untilReady(half: 'inside' | 'outside'): Promise<void> {
    const deadline = Date.now() + START_MS_MAX;
    while (!existsSync(this.#file(`${half}.json`))) {
      if (Date.now() > deadline) {
        const said = await readFile(this.#file(`${half}.log`), 'utf8').catch(() => '');
        throw new VoltError('DEPENDENCY', `The lab's gateway (${half}) did not start: ${lastLines(said.trim(), 10)}`);
      }
      await pause(POLL_MS);
    }
  }

  async #served(): Promise<number> {
    return Object.keys((await this.#ports())?.['agent'] ?? {}).length;
  }

  async #ports(): Promise<RelayPorts | undefined> {
    const text = await readFile(this.#file('outside.json'), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : Ports.parse(JSON.parse(text));
  }

  #file(name: string): string {
    return join(this.#paths.gateway, name);
  }
}
