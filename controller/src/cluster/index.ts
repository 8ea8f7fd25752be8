export { Cluster, type ClusterPorts, type ResolveImage } from './cluster.ts';
export { commit, type Decision } from './commit.ts';
export { patientKv } from './patient-kv.ts';
export { readable, readNodes, readSnapshot } from './read-snapshot.ts';
export { FENCE_MARGIN_MS, Sightings } from './sightings.ts';
export type { InstanceRow, NodeRow, StatusRow, WorkloadRow } from './rows.ts';
