/** Real nats-servers for contract tests: on loopback, in a folder of their own, gone with the test. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { vi } from 'vitest';
import { openLab } from '../lab/index.ts';

const CLIENT_PORT = 4222;
const ROUTE_PORT = 6222;
const MONITOR_PORT = 8222;
/** Mostly it takes a second; two that vote for themselves vote again after 4 to 9 s. */
const JOIN_MS_MAX = 12_000;
const LOOKS_MAX = 8;

export interface NatsUser {
  readonly publicKey: string;
  readonly permissions: { readonly publish: readonly string[]; readonly subscribe: readonly string[] };
}

export interface NatsOptions {
  readonly servers?: number;
  /** With none, everybody may do everything. */
  readonly users?: readonly NatsUser[];
}

export class NatsServers {
  readonly #folder: string;
  readonly #program: string;
  readonly #processes = new Map<number, ChildProcess>();
  readonly addresses: readonly string[];

  private constructor(folder: string, program: string, addresses: readonly string[]) {
    this.#folder = folder;
    this.#program = program;
    this.addresses = addresses;
  }

  static async start({ servers = 1, users }: NatsOptions = {}): Promise<NatsServers> {
    const program = process.env['VOLT_NATS_SERVER'] ?? (await (await openLab()).natsServerPath());
    const folder = await mkdtemp(join(tmpdir(), 'volt-nats-'));
    // Loopback addresses that nobody else has, rather than ports that somebody may take.
    const network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
    const hosts = Array.from({ length: servers }, (_, index) => `${network}.${index + 1}`);
    const self = new NatsServers(
      folder,
      program,
      hosts.map((host) => `${host}:${CLIENT_PORT}`),
    );
    for (const index of hosts.keys()) {
      await writeFile(join(folder, `${index}.conf`), serverConfig({ folder, index, hosts, users }));
    }
    try {
      await self.#form(hosts);
    } catch (thrown) {
      await self.stop();
      throw thrown;
    }
    return self;
  }

  /**
   * One after the other: of three that start at once, NATS 2.10 now and then
   * leaves one out of the group that places streams, for good. On a busy
   * machine 1 of 30 comes up mute, and is started again, as controllers do
   * with theirs (decision 9).
   */
  async #form(hosts: readonly string[]): Promise<void> {
    for (const index of hosts.keys()) {
      this.run(index);
      if (index === 0) continue;
      const up = hosts.slice(0, index + 1);
      for (let looks = 1; !(await isGroup(up)); looks += 1) {
        assert(looks < LOOKS_MAX, `Of ${up.length} nats-servers one does not join, however often it is started`);
        for (const mute of await unheard(up)) {
          await this.kill(mute);
          this.run(mute);
        }
      }
    }
  }

  run(index: number): void {
    const child = spawn(this.#program, ['-c', join(this.#folder, `${index}.conf`)], { stdio: 'ignore' });
    this.#processes.set(index, child);
  }

  /** As a power loss would: with no chance to say goodbye. */
  async kill(index: number): Promise<void> {
    const child = this.#processes.get(index);
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#processes.keys()].map((index) => this.kill(index)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Whether they all take part in time. */
async function isGroup(hosts: readonly string[]): Promise<boolean> {
  const all = async () => assert.equal(await groupSize(hosts), hosts.length);
  return vi.waitFor(all, { timeout: JOIN_MS_MAX }).then(
    () => true,
    () => false,
  );
}

/** How many servers take part, which only their leader knows. */
async function groupSize(hosts: readonly string[]): Promise<number> {
  const sizes = hosts.map(async (host) => {
    const { meta_cluster: group } = await ask<{ meta_cluster?: { replicas?: unknown[] } }>(host, 'jsz');
    return 1 + (group?.replicas?.length ?? 0);
  });
  return Math.max(...(await Promise.all(sizes)));
}

interface RaftReport {
  readonly $SYS: { readonly _meta_: { readonly id: string; readonly peers: Record<string, unknown> } };
}

/** Those of whom no other has heard a word, and those that do not answer. */
async function unheard(hosts: readonly string[]): Promise<number[]> {
  const reports = await Promise.all(
    hosts.map((host) => ask<RaftReport>(host, 'raftz?acc=$SYS').catch(() => undefined)),
  );
  const groups = reports.map((report) => report?.$SYS._meta_);
  const heard = new Set(groups.flatMap((group) => Object.keys(group?.peers ?? {})));
  return [...hosts.keys()].filter((index) => !heard.has(groups[index]?.id ?? ''));
}

async function ask<T>(host: string, question: string): Promise<T> {
  return (await (await fetch(`http://${host}:${MONITOR_PORT}/${question}`)).json()) as T;
}

interface ServerOptions {
  readonly folder: string;
  readonly index: number;
  readonly hosts: readonly string[];
  readonly users: readonly NatsUser[] | undefined;
}

function serverConfig({ folder, index, hosts, users }: ServerOptions): string {
  // As controllers configure it, for the reasons that decision 9 gives: with routes to themselves, several
  // connections to a neighbour and addresses that nobody listens on, servers were seen to elect nobody, for good.
  const cluster = {
    name: 'test',
    listen: `${hosts[index]}:${ROUTE_PORT}`,
    advertise: `${hosts[index]}:${ROUTE_PORT}`,
    pool_size: -1,
    routes: hosts.filter((_, other) => other !== index).map((host) => `nats://${host}:${ROUTE_PORT}`),
  };
  const authorization = {
    users: users?.map(({ publicKey, permissions: { publish, subscribe } }) => ({
      nkey: publicKey,
      permissions: { publish: { allow: publish }, subscribe: { allow: subscribe } },
    })),
  };
  return JSON.stringify({
    server_name: `server${index}`,
    listen: `${hosts[index]}:${CLIENT_PORT}`,
    http: `${hosts[index]}:${MONITOR_PORT}`,
    jetstream: { store_dir: join(folder, `${index}`), sync_interval: 'always' },
    ...(hosts.length === 1 ? {} : { cluster }),
    ...(users === undefined ? {} : { authorization }),
  });
}
