/** The keeper of a node's NATS servers, as a controller runs it, with processes for units. */
import { createServerKeeper, type RevokedKey, type ServerKeeper } from '@volt/controller/enroll';
import { permissionsFor } from '@volt/shared/kv';
import { connectMetaGroup } from '@volt/shared/pki';
import { plainFiles, type NatsCluster, type TestIdentity } from './nats-cluster.ts';

/** `controllers` answers which the cluster has at this moment, or how many of the first. */
export function keeperOf(
  cluster: NatsCluster,
  identity: TestIdentity,
  controllers: () => number | readonly number[],
  revoked: readonly RevokedKey[] = [],
): ServerKeeper {
  const { node } = identity.config;
  const now = () => new Date();
  const configOf = (unit: string) => (unit.includes('witness') ? 'witness' : 'nats');
  const members = () => {
    const which = controllers();
    const numbers = typeof which === 'number' ? Array.from({ length: which }, (_, index) => index + 1) : which;
    return numbers.map((number) => cluster.member(number));
  };
  return createServerKeeper({
    identity,
    members: {
      list: async () => members(),
      settled: async () => new Set(members().map(({ node: name }) => name)),
      update: async () => {},
    },
    revoked: { list: async () => [...revoked], delete: async () => {} },
    refuse: () => {},
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
