export { runClusterNode } from './cluster-node.ts';
export { createDeadMan, type DeadMan } from './dead-man.ts';
export { DiskLedger } from './ledger-file.ts';
export { FENCE_SECONDS, FENCE_STOP_MS, LEASE_SECONDS } from './node-lease.ts';
export type { ClusterLog, ClusterNodePorts, Images, LedgerFile, NodeFacts, Observed, Workloads } from './ports.ts';
