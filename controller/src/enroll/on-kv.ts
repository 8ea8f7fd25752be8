/** Members and tokens in the cluster's state. */
import { VoltError } from '@volt/shared/errors';
import type { Kv } from '@volt/shared/kv';
import type { Members, TokenStore } from './ports.ts';

/** `10.1.3.0/24` as a key: a dot would part a NATS subject. */
const subnetKey = (subnet: string): string => subnet.replaceAll(/[./]/g, '-');

/**
 * A subnet is claimed before its node is recorded, because only a key of its
 * own can be taken by one node alone. A claim that was left by a controller
 * that died in between keeps its subnet out of use, until its node comes back.
 */
export function membersOnKv(kv: Kv): Members {
  return {
    async list() {
      const entries = await kv.list('members');
      return entries.flatMap(({ value }) => (value === null ? [] : [value]));
    },
    async create(member) {
      const key = subnetKey(member.subnet);
      const claim = await kv.get('subnets', key);
      const isOwn = claim?.value?.node === member.node;
      if (claim !== undefined && !isOwn) throw new VoltError('CONFLICT', `Subnet '${member.subnet}' is taken`);
      const revision = claim?.revision ?? (await kv.create('subnets', key, { node: member.node }));
      try {
        await kv.create('members', member.node, member);
      } catch (thrown) {
        if (thrown instanceof VoltError && thrown.code === 'CONFLICT') await kv.delete('subnets', key, revision);
        throw thrown;
      }
    },
  };
}

export function tokensOnKv(kv: Kv): TokenStore {
  return {
    async put(id, token) {
      await kv.put('tokens', id, token);
    },
    async get(id) {
      return (await kv.get('tokens', id))?.value ?? undefined;
    },
    async list() {
      const entries = await kv.list('tokens');
      return entries.flatMap(({ key, value }) => (value === null ? [] : [{ id: key, token: value }]));
    },
    delete: (id) => kv.delete('tokens', id),
  };
}
