/** What taking a node out asks of the cluster's state and of the node's agent. */
import { connect } from '@volt/shared/client';
import type { BucketKeeper, Kv } from '@volt/shared/kv';
import { agentMethods } from '@volt/shared/rpc';
import { speakFor, SPEAKS_FOR_HEADER } from '@volt/shared/server';
import type { HandlerPorts } from './api/index.ts';
import type { Cluster } from './cluster/index.ts';
import { tracesOnKv, type RemovalPorts } from './enroll/index.ts';

/** Its units are stopped meanwhile, a NATS server among them. */
const LEAVE_TIMEOUT_MS = 60_000;

interface RemovalWire {
  readonly cluster: Cluster;
  readonly kv: Kv;
  readonly buckets: Pick<BucketKeeper, 'copies'>;
}

export function removalPorts({ cluster, kv, buckets }: RemovalWire): Pick<RemovalPorts, 'traces' | 'copies'> {
  const look = async (name: string) => {
    const row = (await cluster.listNodes()).find((node) => node.name === name);
    return row && { isAlive: row.state !== 'lost', instances: row.instances };
  };
  return { traces: tracesOnKv(kv, look), copies: () => buckets.copies() };
}

export function leaver(
  identity: { readonly ca: string; readonly cert: string; readonly key: string },
  port: number,
): HandlerPorts['leave'] {
  return async (host, asker) => {
    const client = connect({ kind: 'tls', host, port, ...identity }, agentMethods, {
      timeoutMs: LEAVE_TIMEOUT_MS,
      headers: { [SPEAKS_FOR_HEADER]: speakFor(asker) },
    });
    try {
      await client.call('cluster.leave', { force: true });
    } finally {
      client.close();
    }
  };
}
