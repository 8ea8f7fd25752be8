/** Whether a controller can go without the cluster losing its majority or its memory. */
import { VoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import { isWitness, peerIdOf } from '@volt/shared/pki';
import type { RemovalPorts } from './ports.ts';
import { isController, peersOf } from './server-names.ts';

/** NATS elects no leader among fewer, and a copy of the state is needed beside the one that may fail. */
const CONTROLLERS_MIN = 2;

const hint = 'let another machine join as a controller first: volt cluster token';

/** CONFLICT when it cannot go. */
export async function requireSpare(
  ports: Pick<RemovalPorts, 'members' | 'meta' | 'copies'>,
  member: Member,
): Promise<void> {
  const { node } = member;
  const others = (await ports.members.list()).filter((other) => other.node !== node && isController(other));
  if (others.length === 0) throw new VoltError('CONFLICT', `Node '${node}' is the last controller`, { hint });
  const { peers, current } = await ports.meta.state().catch((cause: unknown) => {
    throw new VoltError('CONFLICT', "The cluster's NATS servers have no leader", {
      hint: 'bring back the controllers that are away',
      cause,
    });
  });
  const gone = peersOf([member]);
  const staying = peers.filter(({ id }) => !gone.has(id));
  const able = current.filter((server) => !gone.has(peerIdOf(server)));
  const controllers = able.filter((server) => !isWitness(server));
  if (controllers.length < CONTROLLERS_MIN || able.length <= staying.length / 2) {
    const left = `${controllers.length} of ${others.length} controllers up to date`;
    throw new VoltError('CONFLICT', `Without node '${node}' there are ${left}: too few to decide`, { hint });
  }
  const holdsCopy = able.length < current.length;
  // Whose copies are counted cannot be told, so the one that goes is taken to have one.
  if ((await ports.copies()) - Number(holdsCopy) < CONTROLLERS_MIN) {
    throw new VoltError('CONFLICT', `Node '${node}' may hold what the other controllers have no copy of yet`, {
      hint: 'try again when volt cluster status shows as many copies as it wants',
    });
  }
}
