/**
 * Every bucket of the cluster's state, declared once: what its keys look like,
 * what a value must be, and who writes it. The adapter, the permissions and
 * the documentation derive from this table.
 */
import assert from 'node:assert/strict';
import type { z } from 'zod';
import { VoltError } from '../errors/index.ts';
import {
  Assignment,
  InstanceStatus,
  LeaderLease,
  Member,
  NodeHeartbeat,
  NodeRecord,
  Revocation,
  StoredWorkload,
  SubnetClaim,
  TokenRecord,
} from '../model/index.ts';

export interface Bucket<S extends z.ZodType = z.ZodType> {
  readonly summary: string;
  /** For people; a name in angle brackets is one token of a-z, 0-9 and '-'. */
  readonly key: '<workload>' | '<node>' | '<node>.<instance>' | '<subnet>' | '<token>' | '<lease>' | '<public key>';
  readonly value: S;
  /** 'node': each node its own keys. 'leader': the controller that holds the lease. */
  readonly writer: 'controller' | 'leader' | 'node';
  /** 'own': a node sees the keys that begin with its name, and no others. */
  readonly nodesRead: 'none' | 'own' | 'all';
  /** Memory for what is worth nothing after a restart of everything: it spares a flush per renewal and replica. */
  readonly storage: 'file' | 'memory';
  readonly valueBytesMax: number;
  readonly keysMax: number;
}

const KiB = 1024;
/** Twice the scale target of 5,000 nodes and 100,000 instances. */
const NODES_MAX = 10_000;
const INSTANCES_MAX = 200_000;

const bucket = <S extends z.ZodType>(row: Bucket<S>): Bucket<S> => row;

export const buckets = {
  workloads: bucket({
    summary: 'What users asked for.',
    key: '<workload>',
    value: StoredWorkload,
    writer: 'controller',
    nodesRead: 'none',
    storage: 'file',
    valueBytesMax: 64 * KiB,
    keysMax: INSTANCES_MAX,
  }),
  assignments: bucket({
    summary: 'Which node runs which instance, with no choice left.',
    key: '<node>.<instance>',
    value: Assignment,
    writer: 'leader',
    nodesRead: 'own',
    storage: 'file',
    valueBytesMax: 64 * KiB,
    keysMax: INSTANCES_MAX,
  }),
  status: bucket({
    summary: 'What became of each assignment.',
    key: '<node>.<instance>',
    value: InstanceStatus,
    writer: 'node',
    nodesRead: 'own',
    storage: 'file',
    valueBytesMax: 8 * KiB,
    keysMax: INSTANCES_MAX,
  }),
  nodes: bucket({
    summary: 'What each node says of itself.',
    key: '<node>',
    value: NodeRecord,
    writer: 'node',
    nodesRead: 'all',
    storage: 'file',
    valueBytesMax: 64 * KiB,
    keysMax: NODES_MAX,
  }),
  heartbeats: bucket({
    summary: 'That each node lives.',
    key: '<node>',
    value: NodeHeartbeat,
    writer: 'node',
    nodesRead: 'none',
    storage: 'memory',
    valueBytesMax: KiB,
    keysMax: NODES_MAX,
  }),
  leases: bucket({
    summary: 'Which controller decides, and which node may become one.',
    key: '<lease>',
    value: LeaderLease,
    writer: 'controller',
    nodesRead: 'all',
    storage: 'file',
    valueBytesMax: KiB,
    keysMax: 16,
  }),
  members: bucket({
    summary: 'Which nodes were taken in.',
    key: '<node>',
    value: Member,
    writer: 'controller',
    nodesRead: 'none',
    storage: 'file',
    valueBytesMax: KiB,
    keysMax: NODES_MAX,
  }),
  subnets: bucket({
    summary: 'Which node has which addresses for its containers.',
    key: '<subnet>',
    value: SubnetClaim,
    writer: 'controller',
    nodesRead: 'none',
    storage: 'file',
    valueBytesMax: KiB,
    keysMax: NODES_MAX,
  }),
  tokens: bucket({
    summary: 'Join tokens, without their secrets.',
    key: '<token>',
    value: TokenRecord,
    writer: 'controller',
    nodesRead: 'none',
    storage: 'file',
    valueBytesMax: KiB,
    keysMax: 1024,
  }),
  revoked: bucket({
    summary: 'Which keys open no door any more, though their certificates are not over.',
    key: '<public key>',
    value: Revocation,
    writer: 'controller',
    nodesRead: 'all',
    storage: 'file',
    valueBytesMax: KiB,
    // A node has one for its certificate and one for NATS.
    keysMax: 2 * NODES_MAX,
  }),
} as const;

export type BucketName = keyof typeof buckets;
export type BucketValue<B extends BucketName> = z.output<(typeof buckets)[B]['value']>;

export const bucketNames = Object.keys(buckets) as BucketName[];

/** The keys of `leases`: who decides, and who joins as a controller at this moment. */
export const CONTROLLER_LEASE = 'controller';
export const JOIN_LEASE = 'join';

/** How a key of `assignments` and `status` is made. */
export const instanceKey = (node: string, instance: string): string => `${node}.${instance}`;

export const streamOf = (bucket: BucketName): string => `KV_${bucket}`;
export const subjectOf = (bucket: BucketName, key: string): string => `$KV.${bucket}.${key}`;
/** Where the cluster announces that a key changed, after it is stored. */
export const doorbellOf = (bucket: BucketName, key: string): string => `volt.changed.${bucket}.${key}`;

const TOKEN = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?';
const keyShapes: Record<Bucket['key'], RegExp> = {
  '<workload>': new RegExp(`^${TOKEN}$`),
  '<node>': new RegExp(`^${TOKEN}$`),
  '<node>.<instance>': new RegExp(`^${TOKEN}\\.${TOKEN}$`),
  '<subnet>': new RegExp(`^${TOKEN}$`),
  '<token>': new RegExp(`^${TOKEN}$`),
  '<public key>': /^(?:[0-9a-f]{64}|u[a-z2-7]{55})$/,
  '<lease>': new RegExp(`^(?:${CONTROLLER_LEASE}|${JOIN_LEASE})$`),
};

/** A key becomes a NATS subject, where '*', '>' and '.' mean something. */
export const isKeyOf = (bucket: BucketName, key: string): boolean => keyShapes[buckets[bucket].key].test(key);

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The bytes to store. A value that is not of the schema, or a wrong key, is a bug of the caller. */
export function encodeValue<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Uint8Array {
  assert(isKeyOf(bucket, key), `'${key}' is not a key of bucket '${bucket}'`);
  const bytes = encoder.encode(JSON.stringify(buckets[bucket].value.parse(value)));
  const { valueBytesMax } = buckets[bucket];
  if (bytes.length > valueBytesMax) {
    throw new VoltError(
      'RESOURCE',
      `'${key}' needs ${bytes.length} bytes in '${bucket}', at most ${valueBytesMax} fit`,
    );
  }
  return bytes;
}

/** Null when the bytes are not of the schema. */
export function decodeValue<B extends BucketName>(bucket: B, bytes: Uint8Array): BucketValue<B> | null {
  try {
    return buckets[bucket].value.parse(JSON.parse(decoder.decode(bytes))) as BucketValue<B>;
  } catch {
    return null;
  }
}
