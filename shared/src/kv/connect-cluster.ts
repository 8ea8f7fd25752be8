import type { BucketKeeper, Kv } from './kv.ts';
import { NatsBucketKeeper } from './nats-buckets.ts';
import { NatsLine, type ConnectOptions, type Credentials } from './nats-connection.ts';
import { NatsKv } from './nats-kv.ts';
import { ControllerReader } from './nats-controller-reader.ts';
import { NodeReader } from './nats-node-reader.ts';

/** A program's line to its cluster. */
export interface ClusterConnection {
  readonly kv: Kv;
  readonly buckets: BucketKeeper;
  isConnected(): boolean;
  /** Goes on with renewed certificates and credentials; see NatsLine.renew. */
  renew(credentials: Credentials): Promise<void>;
  close(): Promise<void>;
}

/**
 * Returns at once and keeps trying for ever: a cluster that is away, or that
 * refuses the credentials, makes calls fail with NETWORK and nothing else.
 */
export function connectCluster(options: ConnectOptions): ClusterConnection {
  const line = new NatsLine(options);
  const reader = options.role === 'controller' ? new ControllerReader(line) : new NodeReader(line);
  return {
    kv: new NatsKv(line, reader),
    buckets: new NatsBucketKeeper(line, reader),
    isConnected: () => line.isUp,
    renew: (credentials) => line.renew(credentials),
    close: () => line.close(),
  };
}
