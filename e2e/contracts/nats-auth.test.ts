/** Who gets into a cluster's NATS, and what they can do there. */
import { createPublicKey } from 'node:crypto';
import { connect as tlsConnect } from 'node:tls';
import { credsAuthenticator, connect, type ConnectionOptions } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { buckets, permissionsFor, type BucketName, type ClusterConnection } from '@volt/shared/kv';
import { aNode, anAssignment, aStatus } from '@volt/shared/kv/testing';
import {
  credentialsText,
  issue,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  NATS_CLUSTER_PORT,
  signUser,
} from '@volt/shared/pki';
import { NatsCluster, type TestIdentity } from './nats-cluster.ts';
import { keeperOf } from './nats-keeper.ts';

let cluster: NatsCluster;
let one: TestIdentity;
let controller: ClusterConnection;

const now = () => new Date();
/** Enough for the keeper to notice a server that came up mute, and to start it again. */
const patient = { timeout: 60_000, interval: 500 };

beforeAll(async () => {
  cluster = await NatsCluster.open();
  one = await cluster.startController(1);
  controller = await cluster.connect(one, 'controller');
  const keeper = keeperOf(cluster, one, () => 1);
  await vi.waitFor(async () => {
    await keeper.pass().catch(() => {});
    await controller.buckets.prepare(1);
  }, patient);
});

afterAll(() => cluster.close());

/** What the first node has to enter, with some of it replaced. */
const asNodeOne = (): ConnectionOptions & { tls: object } => ({
  servers: one.config.servers,
  tls: { ca: one.ca, cert: one.cert, key: one.key, handshakeFirst: true },
  authenticator: credsAuthenticator(new TextEncoder().encode(one.creds)),
  timeout: 3000,
  reconnect: false,
});

async function enter(options: ConnectionOptions): Promise<string> {
  try {
    const connection = await connect(options);
    await connection.close();
    return 'entered';
  } catch {
    return 'refused';
  }
}

async function credentialsOf(nats: Awaited<ReturnType<typeof makeNatsAuthority>>, at = new Date()): Promise<string> {
  const { publicKey, seed } = makeUserKey();
  return credentialsText(await signUser(nats, { role: 'controller', node: 'node1', publicKey }, at), seed);
}

const authenticated = (credentials: string): ConnectionOptions => ({
  ...asNodeOne(),
  authenticator: credsAuthenticator(new TextEncoder().encode(credentials)),
});

describe('NATS lets in', () => {
  test('a node with a certificate and credentials', async () => {
    await expect.poll(() => enter(asNodeOne()), patient).toBe('entered');
  });
});

describe('NATS turns away', () => {
  const strangers: Record<string, () => ConnectionOptions | Promise<ConnectionOptions>> = {
    'who has no certificate': () => ({ ...asNodeOne(), tls: { ca: one.ca, handshakeFirst: true } }),
    'who speaks no TLS': () => ({ ...asNodeOne(), tls: null, timeout: 1000 }),
    'whose certificate is of another CA': () => {
      const key = makeKey();
      const subject = { name: 'node1', roles: ['node'] as const, addresses: [one.config.address] };
      const cert = issue(makeAuthority('test', now()), createPublicKey(key), subject, now());
      return { ...asNodeOne(), tls: { ca: one.ca, cert, key, handshakeFirst: true } };
    },
    'whose certificate has expired': () => {
      const key = makeKey();
      const subject = { name: 'node1', roles: ['node'] as const, addresses: [one.config.address] };
      const cert = issue(cluster.authority, createPublicKey(key), subject, new Date('2020-01-01'));
      return { ...asNodeOne(), tls: { ca: one.ca, cert, key, handshakeFirst: true } };
    },
    'who has a certificate and no credentials': () => ({ ...asNodeOne(), authenticator: undefined }),
    'whose credentials another cluster signed': async () =>
      authenticated(await credentialsOf(await makeNatsAuthority('test', permissionsFor, now()))),
    'whose credentials have expired': async () =>
      authenticated(await credentialsOf(cluster.nats, new Date('2020-01-01'))),
    "who shows another's credentials without the key": () => {
      const jwt = one.controller.creds.split('\n')[1]!;
      return authenticated(credentialsText(jwt, makeUserKey().seed));
    },
  };

  test.each(Object.keys(strangers))('one %s', async (name) => {
    expect(await enter(await strangers[name]!())).toBe('refused');
  });

  test('a node that would be a server: its certificate is no good for routes', async () => {
    const { address } = one.config;
    const outcome = await new Promise<string>((resolve) => {
      const { ca, cert, key } = one;
      // The server's own certificate is not looked at here: the question is whether it accepts ours.
      const options = { host: address, port: NATS_CLUSTER_PORT, ca, cert, key, rejectUnauthorized: false };
      const socket = tlsConnect(options);
      socket.once('data', (data) => resolve(`it said ${String(data)}`));
      socket.once('error', (thrown: NodeJS.ErrnoException) => resolve(thrown.code ?? 'error'));
      socket.once('close', () => resolve('closed'));
    });
    expect(outcome).toMatch(/^ERR_SSL_.*ALERT/);
  });
});

describe('credentials of a node', () => {
  const samples: Partial<Record<BucketName, (node: string) => { key: string; value: never }>> = {
    nodes: (node) => ({ key: node, value: aNode(node) as never }),
    status: (node) => ({ key: `${node}.web-0`, value: aStatus(node, 'web-0') as never }),
    assignments: (node) => ({ key: `${node}.web-0`, value: anAssignment(node, 'web-0') as never }),
  };
  let node: ClusterConnection;
  beforeAll(async () => {
    node = await cluster.connect(one, 'node');
  });

  const attempts = Object.keys(samples).flatMap((bucket) =>
    ['node1', 'node2'].map((owner) => {
      const isOwn = owner === 'node1' && buckets[bucket as BucketName].writer === 'node';
      return [isOwn ? 'may' : 'may not', bucket as BucketName, owner] as const;
    }),
  );
  test.each(attempts)('%s write in %s what belongs to %s', async (may, bucket, owner) => {
    const { key, value } = samples[bucket]!(owner);
    const outcome = await node.kv.put(bucket, key, value).then(
      () => 'written',
      () => 'refused',
    );
    expect(outcome).toBe(may === 'may' ? 'written' : 'refused');
    const stored = await controller.kv.get(bucket, key);
    expect(stored !== undefined).toBe(may === 'may');
  });

  test.each(['members', 'subnets', 'tokens', 'workloads', 'leases'] as const)(
    'may not write in %s at all',
    async (bucket) => {
      const raw = await connect(asNodeOne());
      raw.publish(`$KV.${bucket}.node1`, 'x');
      await raw.flush().catch(() => {});
      await raw.close();
      expect(await controller.kv.list(bucket)).toEqual([]);
    },
  );
});
