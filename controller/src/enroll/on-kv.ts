/** Members, tokens and the turn to become a controller, in the cluster's state. */
import { VoltError } from '@volt/shared/errors';
import { JOIN_LEASE, type Kv } from '@volt/shared/kv';
import { CERTIFICATE_DAYS } from '@volt/shared/pki';
import type { Members, NodeTraces, RevokedStore, TokenStore, TurnStore } from './ports.ts';

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
        const isTaken = thrown instanceof VoltError && thrown.code === 'CONFLICT';
        // A claim that was there may be what the node's record rests on.
        if (isTaken && claim === undefined) await kv.delete('subnets', key, revision);
        throw thrown;
      }
    },
    async update(member) {
      const entry = await kv.get('members', member.node);
      if (entry === undefined) throw new VoltError('NOT_FOUND', `There is no node '${member.node}'`);
      await kv.update('members', member.node, member, entry.revision);
    },
    async delete({ node, subnet, key: publicKey }) {
      const entry = await kv.get('members', node);
      if (entry === undefined || (entry.value !== null && entry.value.key !== publicKey)) return;
      const claim = await kv.get('subnets', subnetKey(subnet));
      if (claim?.value?.node === node) await kv.delete('subnets', subnetKey(subnet), claim.revision);
      // Last: what is left of a deletion that was cut short is found by it.
      await kv.delete('members', node, entry.revision);
    },
    async settled() {
      return new Set((await kv.list('nodes')).map(({ key }) => key));
    },
  };
}

export function turnsOnKv(kv: Kv, now: () => Date): TurnStore {
  return {
    async get() {
      const entry = await kv.get('leases', JOIN_LEASE);
      if (entry === undefined) return undefined;
      return { node: entry.value?.holder ?? null, server: entry.value?.session ?? '', revision: entry.revision };
    },
    async set({ node, server }, revision) {
      const lease = { holder: node, session: server, token: (revision ?? 0) + 1, renewedAt: now().toISOString() };
      if (revision === undefined) await kv.create('leases', JOIN_LEASE, lease);
      else await kv.update('leases', JOIN_LEASE, lease, revision);
    },
  };
}

const DAY_MS = 86_400_000;

export function revokedOnKv(kv: Kv, now: () => Date): RevokedStore {
  return {
    async list() {
      const entries = await kv.list('revoked');
      // One that cannot be read is refused for ever rather than let in.
      return entries.map(({ key, value }) => ({ key, until: new Date(value?.until ?? '9999-12-31') }));
    },
    has: async (key) => (await kv.get('revoked', key)) !== undefined,
    async add(key, node) {
      if ((await kv.get('revoked', key)) !== undefined) return;
      const until = new Date(now().getTime() + CERTIFICATE_DAYS * DAY_MS).toISOString();
      await kv.put('revoked', key, { node, until });
    },
    delete: (key) => kv.delete('revoked', key),
  };
}

export function tracesOnKv(kv: Kv, look: NodeTraces['look']): NodeTraces {
  return {
    look,
    async forget(node) {
      for (const { key } of await kv.list('status', node)) await kv.delete('status', key);
      await kv.delete('heartbeats', node);
      await kv.delete('nodes', node);
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
