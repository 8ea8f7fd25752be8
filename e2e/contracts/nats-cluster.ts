/**
 * A cluster's NATS servers as `cluster init` and `cluster join` configure them:
 * real certificates, accounts and ports, each node on a loopback address of
 * its own. Only the paths differ, and units are processes.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { createPublicKey, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { connectCluster, permissionsFor, type ClusterConnection, type ClusterRole } from '@volt/shared/kv';
import type { Member } from '@volt/shared/model';
import {
  clusterFiles,
  credentialsText,
  issue,
  keyFingerprint,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  natsServer,
  renderNats,
  routeFiles,
  signUser,
  withControllers,
  witnessServer,
  type ClusterFile,
  type ClusterIdentity,
  type ControllerIdentity,
  type NatsAuthority,
  type NatsPaths,
  type Peer,
} from '@volt/shared/pki';
import { openLab } from '../lab/index.ts';
import { connected } from './connected.ts';

export type TestIdentity = ClusterIdentity & { readonly controller: ControllerIdentity };

export class NatsCluster {
  readonly #folder: string;
  readonly #program: string;
  /** Two octets that no other run has at this moment, very likely. */
  readonly #network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  readonly #processes = new Map<string, ChildProcess>();
  readonly #keys = new Map<number, string>();
  readonly #connections: ClusterConnection[] = [];
  readonly authority = makeAuthority('test', new Date());
  readonly nats: NatsAuthority;

  private constructor(folder: string, program: string, nats: NatsAuthority) {
    this.#folder = folder;
    this.#program = program;
    this.nats = nats;
  }

  static async open(): Promise<NatsCluster> {
    const program = process.env['VOLT_NATS_SERVER'] ?? (await (await openLab()).natsServerPath());
    const folder = await mkdtemp(join(tmpdir(), 'volt-nats-'));
    return new NatsCluster(folder, program, await makeNatsAuthority('test', permissionsFor, new Date()));
  }

  peer(number: number): Peer {
    return { node: `node${number}`, address: `${this.#network}.${number}` };
  }

  member(number: number): Member {
    const subnet = `10.1.${number}.0/24`;
    const roles: Member['roles'] = ['agent', 'controller'];
    const key = keyFingerprint(createPublicKey(this.#keyOf(number)));
    return { ...this.peer(number), subnet, roles, key, route: key, joinedAt: new Date().toISOString() };
  }

  #keyOf(number: number): string {
    const key = this.#keys.get(number) ?? makeKey();
    this.#keys.set(number, key);
    return key;
  }

  dir(node: string): string {
    return join(this.#folder, node);
  }

  path(node: string, file: ClusterFile): string {
    return join(this.dir(node), clusterFiles[file].name);
  }

  paths(node: string, which: 'data' | 'witness'): NatsPaths {
    const path = (file: ClusterFile) => this.path(node, file);
    return {
      clientTls: { ca: path('authority'), certificate: path('certificate'), key: path('key') },
      routeTls: { ca: path('routesAuthority'), certificate: path('routesCertificate'), key: path('routesKey') },
      storeDir: join(this.dir(node), which),
    };
  }

  /** Writes what a controller node has, knowing the peers up to itself that are not gone, and starts its server. */
  async startController(number: number, gone: readonly number[] = []): Promise<TestIdentity> {
    const { node, address } = this.peer(number);
    const numbers = Array.from({ length: number }, (_, index) => index + 1);
    const peers = numbers.filter((other) => !gone.includes(other)).map((other) => this.peer(other));
    const identity = await this.identity(number, peers);
    const files: Partial<Record<ClusterFile, string>> = {
      authority: identity.ca,
      certificate: identity.cert,
      key: identity.key,
      ...routeFiles(this.nats, { node, address, key: identity.key }, new Date()),
    };
    const server = {
      cluster: 'test',
      node,
      server: node,
      address,
      peers,
      hasWitness: number === 1,
      authority: this.nats,
    };
    files.nats = renderNats(natsServer(server, this.paths(node, 'data')));
    if (number === 1) files.witness = renderNats(witnessServer(server, this.paths(node, 'witness')));
    await mkdir(this.dir(node), { recursive: true });
    await Promise.all(
      Object.entries(files).map(([file, text]) =>
        writeFile(this.path(node, file as ClusterFile), text, { mode: 0o600 }),
      ),
    );
    this.run(node, 'nats');
    if (number === 1) this.run(node, 'witness');
    return identity;
  }

  async identity(number: number, peers: readonly Peer[]): Promise<TestIdentity> {
    const { node, address } = this.peer(number);
    const { subnet, roles } = this.member(number);
    const key = this.#keyOf(number);
    const subject = { name: node, roles: ['node', 'controller'] as const, addresses: [address, '127.0.0.1'] };
    const cert = issue(this.authority, createPublicKey(key), subject, new Date()) + this.authority.certificate;
    return {
      config: withControllers({ cluster: 'test', node, address, subnet, range: '10.1.0.0/16', roles }, peers),
      ca: this.authority.certificate,
      cert,
      key,
      creds: await this.credentials('node', node),
      controller: {
        creds: await this.credentials('controller', node),
        authority: this.authority,
        nats: this.nats,
      },
    };
  }

  async credentials(role: ClusterRole, node: string): Promise<string> {
    const { publicKey, seed } = makeUserKey();
    return credentialsText(await signUser(this.nats, { role, node, publicKey }, new Date()), seed);
  }

  async connect(identity: TestIdentity, role: ClusterRole): Promise<ClusterConnection> {
    const { config, ca, cert, key, creds, controller } = identity;
    const connection = connectCluster({
      servers: config.servers,
      tls: { ca, cert, key },
      credentials: role === 'node' ? creds : controller.creds,
      node: config.node,
      role,
    });
    this.#connections.push(connection);
    return connected(connection);
  }

  run(node: string, config: 'nats' | 'witness'): void {
    const child = spawn(this.#program, ['-c', this.path(node, config), '-l', `${this.path(node, config)}.log`], {
      stdio: 'ignore',
    });
    this.#processes.set(`${node} ${config}`, child);
  }

  isRunning(node: string, config: 'nats' | 'witness'): boolean {
    const child = this.#processes.get(`${node} ${config}`);
    return child !== undefined && child.exitCode === null && child.signalCode === null;
  }

  reload(node: string, config: 'nats' | 'witness'): void {
    this.#processes.get(`${node} ${config}`)?.kill('SIGHUP');
  }

  async kill(node: string, config: 'nats' | 'witness'): Promise<void> {
    if (!this.isRunning(node, config)) return;
    const child = this.#processes.get(`${node} ${config}`)!;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  log(node: string, config: 'nats' | 'witness'): Promise<string> {
    return readFile(`${this.path(node, config)}.log`, 'utf8');
  }

  async close(): Promise<void> {
    await Promise.all(this.#connections.map((connection) => connection.close()));
    const names = [...this.#processes.keys()].map((name) => name.split(' ') as [string, 'nats' | 'witness']);
    await Promise.all(names.map(([node, config]) => this.kill(node, config)));
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** Files below one folder, for code that believes it writes to /etc/volt/cluster. */
export const plainFiles = {
  read: (path: string) => readFile(path, 'utf8').catch(() => undefined),
  async write(path: string, text: string, { mode }: { readonly mode: number }) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { mode });
  },
  remove: (path: string) => rm(path, { force: true }),
  removeTree: (path: string) => rm(path, { recursive: true, force: true }),
};
