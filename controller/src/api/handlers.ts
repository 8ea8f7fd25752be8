import { release } from 'node:os';
import { type ControllerMethods, type Handlers, passes, type VoltEvent } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import { version } from '@volt/shared/program';
import { VoltError } from '@volt/shared/errors';
import type { Cluster } from '../cluster/index.ts';
import type { Enroll } from '../enroll/index.ts';

export interface HandlerPorts {
  readonly cluster: Cluster;
  readonly enroll: Enroll;
  /** Has the agent at that address forget its cluster, in somebody's name. */
  readonly leave: (address: string, asker: Caller) => Promise<void>;
  readonly node: string;
  readonly clusterName: string;
  /** A doorbell: yields soon after something in the cluster may have changed. Ends with the signal. */
  readonly changes: (signal: AbortSignal) => AsyncIterable<void>;
}

/** What a controller answers: params in, one question to the cluster's state, result out. */
export function controllerHandlers(ports: HandlerPorts): Handlers<ControllerMethods, Caller> {
  const { cluster, enroll } = ports;
  return {
    'system.info': async () => ({
      node: ports.node,
      program: 'volt-controller',
      version,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      systemd: null,
      kernel: release(),
      cluster: ports.clusterName,
    }),
    'event.watch': async (_params, { emit, signal }) => {
      for await (const event of events(ports, signal)) await emit(event);
      return {};
    },

    'instance.list': async ({ filters }) =>
      (await cluster.listInstances()).filter((row) => passes(filters, row, row.labels)),
    'deploy.apply': ({ workloads }) => cluster.applyWorkloads(workloads),
    'deploy.list': () => cluster.listWorkloads(),
    'deploy.scale': ({ name, replicas }) => cluster.scale(name, replicas),
    'deploy.delete': ({ name }) => cluster.deleteWorkload(name),

    'node.list': () => cluster.listNodes(),
    'node.inspect': async ({ name }) => {
      const found = (await cluster.listNodes()).find((node) => node.name === name);
      if (found !== undefined) return found;
      throw new VoltError('NOT_FOUND', `There is no node '${name}'`, { hint: 'volt node list' });
    },

    'node.delete': (request, { caller }) =>
      enroll.remove({ ...request, leave: (address) => ports.leave(address, caller) }),

    'cluster.status': async () => ({ cluster: ports.clusterName, ...(await cluster.status()) }),
    'cluster.token': (request) => enroll.makeToken(request),
    'cluster.enroll': (request) => enroll.enroll(request),
    'certificate.sign': (request, { caller }) => enroll.sign(request, caller),
  };
}

/** The doorbell says only that something may have changed; what did is the difference between two looks. */
async function* events({ cluster, changes }: HandlerPorts, signal: AbortSignal): AsyncGenerator<VoltEvent> {
  let before = await look(cluster);
  for await (const _ of changes(signal)) {
    const after = await look(cluster);
    const at = new Date().toISOString();
    for (const [key, seen] of after) {
      if (before.get(key)?.state !== seen.state) {
        yield { at, kind: `${seen.noun}.${seen.state}`, name: seen.name, detail: seen.detail };
      }
    }
    for (const [key, seen] of before) {
      if (!after.has(key) && seen.state !== 'gone')
        yield { at, kind: `${seen.noun}.gone`, name: seen.name, detail: null };
    }
    before = after;
  }
}

interface Seen {
  readonly noun: 'node' | 'instance';
  readonly name: string;
  readonly state: string;
  readonly detail: string | null;
}

async function look(cluster: Cluster): Promise<Map<string, Seen>> {
  const [nodes, instances] = await Promise.all([cluster.listNodes(), cluster.listInstances()]);
  const seen = new Map<string, Seen>();
  for (const { name, state } of nodes) seen.set(`node ${name}`, { noun: 'node', name, state, detail: null });
  for (const { name, node, state, reason } of instances) {
    seen.set(`instance ${node} ${name}`, { noun: 'instance', name, state, detail: reason ?? `on ${node}` });
  }
  return seen;
}
