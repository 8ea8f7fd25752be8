/** Real nats-servers for contract tests: on loopback, in a folder of their own, gone with the test. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLab } from '../lab/index.ts';

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
    const ports = await freePorts(servers * 2);
    const clientPorts = ports.slice(0, servers);
    const routes = servers === 1 ? [] : ports.slice(servers);
    const self = new NatsServers(
      folder,
      program,
      clientPorts.map((port) => `127.0.0.1:${port}`),
    );
    for (const [index, port] of clientPorts.entries()) {
      const config = serverConfig({ folder, index, port, routes, users });
      await writeFile(join(folder, `${index}.conf`), config);
      self.run(index);
    }
    return self;
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

interface ServerOptions {
  readonly folder: string;
  readonly index: number;
  readonly port: number;
  readonly routes: readonly number[];
  readonly users: readonly NatsUser[] | undefined;
}

function serverConfig({ folder, index, port, routes, users }: ServerOptions): string {
  const cluster = {
    name: 'test',
    listen: `127.0.0.1:${routes[index]}`,
    routes: routes.map((route) => `nats://127.0.0.1:${route}`),
  };
  const authorization = {
    users: users?.map(({ publicKey, permissions: { publish, subscribe } }) => ({
      nkey: publicKey,
      permissions: { publish: { allow: publish }, subscribe: { allow: subscribe } },
    })),
  };
  return JSON.stringify({
    server_name: `server${index}`,
    listen: `127.0.0.1:${port}`,
    jetstream: { store_dir: join(folder, `${index}`), sync_interval: 'always' },
    ...(routes.length === 0 ? {} : { cluster }),
    ...(users === undefined ? {} : { authorization }),
  });
}

/** Ports that were free a moment ago; a server that finds its port taken exits, and the test says so. */
async function freePorts(count: number): Promise<number[]> {
  const listeners = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = listeners.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(listeners.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}
