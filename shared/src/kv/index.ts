export { buckets, bucketNames, CONTROLLER_LEASE, instanceKey, JOIN_LEASE } from './buckets.ts';
export type { Bucket, BucketName, BucketValue } from './buckets.ts';
export type { Clock } from './clock.ts';
export { connectCluster, type ClusterConnection } from './connect-cluster.ts';
export type { BucketKeeper, Entry, Kv } from './kv.ts';
export { Loop, type LoopOptions } from './loop.ts';
export type { ConnectOptions } from './nats-connection.ts';
export { inboxPrefix, permissionsFor, type ClusterRole, type SubjectPermissions } from './permissions.ts';
export { systemClock } from './system-clock.ts';
