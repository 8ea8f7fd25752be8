/** A machine and a cluster in memory, for the tests of this room. */
import assert from 'node:assert/strict';
import { VoltError } from '@volt/shared/errors';
import {
  clusterFiles,
  CONTROLLER_JWT,
  fingerprintOf,
  issue,
  keyFingerprint,
  makeAuthority,
  makeNatsAuthority,
  makeToken,
  NODE_JWT,
  readRequest,
  signUser,
  writeNatsAuthority,
  writeToken,
  type ClusterIdentity,
} from '@volt/shared/pki';
import { controllerMethods } from '@volt/shared/rpc';
import { failure, success, type RpcRequest } from '@volt/shared/wire';
import { MemoryFiles } from '../host/testing.ts';
import type { BootstrapPorts, BootstrapUnits, Controllers } from './ports.ts';

export const NOW = new Date('2026-03-01T12:00:00Z');
export const { signal } = new AbortController();

/** Short lists: signing them is most of what these tests do. */
const permissionsFor = () => ({ publish: ['a'], subscribe: ['b'] });
const nats = await makeNatsAuthority('test', permissionsFor, NOW);

/** Units of a machine. Those in `broken` end at once. */
export class FakeUnits implements BootstrapUnits {
  readonly running = new Set<string>();
  readonly enabled = new Set<string>();
  readonly broken = new Set<string>();
  /** In the order in which they were started. */
  readonly started: string[] = [];

  async reload(): Promise<void> {}
  async enable(unit: string): Promise<void> {
    this.enabled.add(unit);
  }
  async disable(unit: string): Promise<void> {
    this.enabled.delete(unit);
  }
  async start(unit: string): Promise<void> {
    this.started.push(unit);
    if (!this.broken.has(unit)) this.running.add(unit);
  }
  async stop(unit: string): Promise<void> {
    this.running.delete(unit);
  }
  async isRunning(unit: string): Promise<boolean> {
    return this.running.has(unit);
  }
  async lastLines(unit: string): Promise<readonly string[]> {
    return [`${unit} says: address already in use`];
  }
}

/** A cluster that takes in whoever asks, and knows each node by its key. */
export class FakeCluster implements Controllers {
  readonly authority = makeAuthority('test', NOW);
  readonly keys = new Map<string, string>();
  readonly token = writeToken(
    makeToken({
      controllers: ['192.0.2.1:7444'],
      fingerprint: fingerprintOf(this.authority.certificate),
      expiresAt: new Date(NOW.getTime() + 60_000),
    }),
  );
  roles: ('agent' | 'controller')[] = ['agent', 'controller'];
  /** Thrown instead of an answer, after the node was recorded. */
  lostAnswer: VoltError | undefined;
  /** Answered instead of taking the node in. */
  refusal: VoltError | undefined;
  /** How often the node's own controller is asked before it answers. */
  slowness = 1;
  asked = 0;
  admitted = 0;
  /** Servers that nobody need count on any more. */
  readonly withdrawn: string[] = [];

  async post({ body }: { readonly body: string }): Promise<string> {
    const { method, params } = JSON.parse(body) as RpcRequest;
    assert.equal(method, 'cluster.enroll');
    const request = controllerMethods['cluster.enroll'].params.parse(params);
    if (this.refusal !== undefined) return JSON.stringify(failure(1, this.refusal));
    const publicKey = readRequest(request.certificateRequest);
    const known = this.keys.get(request.node);
    if (known !== undefined && known !== keyFingerprint(publicKey)) {
      return JSON.stringify(failure(1, new VoltError('ALREADY_EXISTS', `'${request.node}' is in the cluster`)));
    }
    this.keys.set(request.node, keyFingerprint(publicKey));
    if (this.lostAnswer !== undefined) throw this.lostAnswer;
    return JSON.stringify(success(1, await this.#admit(request.node, request.address, publicKey, request.userKey)));
  }

  async #admit(node: string, address: string, publicKey: ReturnType<typeof readRequest>, userKey: string) {
    const subject = { name: node, roles: ['node'] as const, addresses: [address] };
    const jwt = (role: 'node' | 'controller') => signUser(nats, { role, node, publicKey: userKey }, NOW);
    return {
      cluster: 'test',
      roles: this.roles,
      server: this.roles.includes('controller') ? `${node}.0${this.admitted++}` : null,
      certificate: issue(this.authority, publicKey, subject, NOW),
      files: {
        [clusterFiles.authority.name]: this.authority.certificate,
        [clusterFiles.authorityKey.name]: this.authority.key,
        [clusterFiles.natsAuthority.name]: writeNatsAuthority(nats),
        [NODE_JWT]: await jwt('node'),
        [CONTROLLER_JWT]: await jwt('controller'),
      },
      subnet: '10.1.1.0/24',
      range: '10.1.0.0/16',
      peers: [{ node: 'node1', address: '192.0.2.1', roles: ['agent', 'controller'] }],
    };
  }

  async makeToken(): Promise<string> {
    await this.status();
    return this.token;
  }

  async withdraw(_identity: ClusterIdentity, server: string): Promise<void> {
    this.withdrawn.push(server);
  }

  async status(): Promise<unknown> {
    this.asked += 1;
    if (this.asked % (this.slowness + 1) !== 0) throw new VoltError('NETWORK', 'Connection refused');
    return {};
  }
}

export interface Machine {
  readonly files: MemoryFiles;
  readonly units: FakeUnits;
  readonly cluster: FakeCluster;
  readonly ports: BootstrapPorts;
}

export async function makeMachine(cluster: FakeCluster = new FakeCluster()): Promise<Machine> {
  const files = new MemoryFiles();
  await files.makeFolder('/etc/systemd/system', { mode: 0o755 });
  const units = new FakeUnits();
  let clock = NOW.getTime();
  const ports: BootstrapPorts = {
    files,
    units,
    controllers: cluster,
    hostName: () => 'node2.example.org',
    running: async () => [],
    ownAddresses: () => ['192.0.2.2'],
    localAddressTowards: async () => '192.0.2.2',
    natsVersion: async () => 'nats-server: v2.10.27',
    now: () => new Date(clock),
    sleep: async (ms) => {
      clock += ms;
    },
    permissionsFor,
    certificateSeconds: 365 * 86_400,
    controllerPort: 7444,
    program: '/usr/local/bin/volt',
  };
  return { files, units, cluster, ports };
}

/** Files, without folders, by path. */
export const filesOf = ({ files }: Machine): string[] =>
  [...files.entries].flatMap(([path, { kind }]) => (kind === 'file' ? [path] : [])).toSorted();
