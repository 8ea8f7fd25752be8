/** Which of the servers that NATS counts on belong to whom. Pure. */
import type { Member } from '@volt/shared/model';
import { peerIdOf, witnessName } from '@volt/shared/pki';

export const isController = (member: Member): boolean => member.roles.includes('controller');

/** What the node's NATS server is called. */
export const serverOf = ({ node, server }: Pick<Member, 'node' | 'server'>): string => server ?? node;

/** By what Raft knows the servers of these nodes, a witness among them. */
export const peersOf = (members: readonly Member[]): ReadonlySet<string> =>
  new Set(members.filter(isController).flatMap((member) => [serverOf(member), witnessName(member.node)].map(peerIdOf)));
