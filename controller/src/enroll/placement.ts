/** What a node that joins becomes. Pure. */
import { VoltError } from '@volt/shared/errors';
import type { Member, NodeRoles } from '@volt/shared/model';
import { WITNESS_UNTIL_CONTROLLERS } from '@volt/shared/pki';

export interface Applicant {
  readonly node: string;
  readonly address: string;
  readonly role: 'auto' | 'controller' | 'agent';
  readonly key: string;
}

/** With 'auto' the first three nodes are controllers: fewer survive no loss, more cost every write. */
export function rolesFor(role: Applicant['role'], members: readonly Member[], mayBeController: boolean): NodeRoles {
  if (role === 'controller' && !mayBeController) {
    throw new VoltError('PERMISSION', 'The join token is for agents only', { hint: 'volt cluster token --role auto' });
  }
  const controllers = members.filter((member) => member.roles.includes('controller')).length;
  const isNeeded = role === 'auto' && controllers < WITNESS_UNTIL_CONTROLLERS && mayBeController;
  return role === 'controller' || isNeeded ? ['agent', 'controller'] : ['agent'];
}

/**
 * The record of a node that comes back: same name, same key, same address. Undefined
 * for a new one. ALREADY_EXISTS when the name or the address is somebody else's.
 */
export function returning(applicant: Applicant, members: readonly Member[]): Member | undefined {
  const { node, address, key } = applicant;
  const named = members.find((member) => member.node === node);
  if (named !== undefined && named.key !== key) {
    throw new VoltError('ALREADY_EXISTS', `A node named '${node}' is in the cluster`, {
      hint: 'choose another --node',
    });
  }
  if (named !== undefined && named.address !== address) {
    const hint = `use --address ${named.address}, or choose another --node`;
    throw new VoltError('ALREADY_EXISTS', `Node '${node}' is known at ${named.address}`, { hint });
  }
  const neighbour = members.find((member) => member.address === address && member.node !== node);
  if (neighbour !== undefined) {
    throw new VoltError('ALREADY_EXISTS', `Address ${address} belongs to node '${neighbour.node}'`, {
      hint: 'choose another --address',
    });
  }
  return named;
}
