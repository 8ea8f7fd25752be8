/** The keeper of a node's NATS servers, as a controller runs it, with processes for units. */
import { createServerKeeper, type ServerKeeper } from '@volt/controller/enroll';
import { permissionsFor } from '@volt/shared/kv';
import { connectMetaGroup } from '@volt/shared/pki';
import { plainFiles, type NatsCluster, type TestIdentity } from './nats-cluster.ts';

/** `count` answers how many controllers the cluster has at this moment. */
export function keeperOf(cluster: NatsCluster, identity: TestIdentity, count: () => number): ServerKeeper {
  const { node } = identity.config;
  const now = () => new Date();
  const configOf = (unit: string) => (unit.includes('witness') ? 'witness' : 'nats');
  const members = () => Array.from({ length: count() }, (_, index) => cluster.member(index + 1));
  return createServerKeeper({
    identity,
    members: {
      list: async () => members(),
      settled: async () => new Set(members().map(({ node: name }) => name)),
    },
    turns: { get: async () => undefined, set: async () => {} },
    files: plainFiles,
    units: {
      reload: async (unit) => cluster.reload(node, configOf(unit)),
      restart: async (unit) => {
        await cluster.kill(node, configOf(unit));
        cluster.run(node, configOf(unit));
      },
      forget: (unit) => cluster.kill(node, configOf(unit)),
    },
    meta: connectMetaGroup(identity, now),
    permissionsFor,
    now,
    dir: cluster.dir(node),
    paths: (which) => cluster.paths(node, which),
  });
}
