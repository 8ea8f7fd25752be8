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
   * Two first, then the rest: of three that start at once, NATS 2.10 now and
   * then leaves one out of the group that places streams, for good.
   */
  async #form(hosts: readonly string[]): Promise<void> {
    for (const index of hosts.keys()) {
      this.run(index);
      if (index === 0) continue;
      const up = hosts.slice(0, index + 1);
      await vi.waitFor(async () => assert.equal(await groupSize(up), up.length), { timeout: 60_000 });
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

/** How many servers take part, which only their leader knows. */
async function groupSize(hosts: readonly string[]): Promise<number> {
  const sizes = hosts.map(async (host) => {
    const answer = await fetch(`http://${host}:${MONITOR_PORT}/jsz`);
    const { meta_cluster: group } = (await answer.json()) as { meta_cluster?: { replicas?: unknown[] } };
    return 1 + (group?.replicas?.length ?? 0);
  });
  return Math.max(...(await Promise.all(sizes)));
}

interface ServerOptions {
  readonly folder: string;
  readonly index: number;
  readonly hosts: readonly string[];
  readonly users: readonly NatsUser[] | undefined;
}

function serverConfig({ folder, index, hosts, users }: ServerOptions): string {
  const cluster = {
    name: 'test',
    listen: `${hosts[index]}:${ROUTE_PORT}`,
    routes: hosts.map((host) => `nats://${host}:${ROUTE_PORT}`),
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
