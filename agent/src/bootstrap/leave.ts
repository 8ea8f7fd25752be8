/** `cluster leave`: this machine forgets its cluster. */
import { VoltError } from '@volt/shared/errors';
import type { AgentMethods, Parsed, Result } from '@volt/shared/rpc';
import { membership, unmake } from './membership.ts';
import type { BootstrapPorts } from './ports.ts';

export type LeaveParams = Parsed<AgentMethods['cluster.leave']>;
export type LeaveResult = Result<AgentMethods['cluster.leave']>;

/**
 * Resolves once nothing of the membership is left; on a machine that is in no
 * cluster at once. CONFLICT without `force`: the cluster is to be asked first,
 * which knows whether it can spare this node. Cut short, it is ended by
 * clearHalfMade.
 */
export async function leave(ports: BootstrapPorts, { force }: LeaveParams): Promise<LeaveResult> {
  const present = await membership(ports);
  if (present === undefined) return { node: null, left: false };
  const { node, cluster } = present;
  if (!force) {
    throw new VoltError('CONFLICT', `Cluster '${cluster}' counts on node '${node}'`, {
      hint: `on another node: volt node delete ${node}`,
    });
  }
  await unmake(ports);
  return { node, left: true };
}
