import type { AgentMethods, Handlers, Parsed, Result } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';

type Row = Extract<keyof AgentMethods, `cluster.${string}` | `certificate.${string}`>;

/** How this machine becomes part of a cluster, and ceases to be; main.ts supplies it. */
export interface ClusterMembership {
  init(
    params: Parsed<AgentMethods['cluster.init']>,
    signal: AbortSignal,
  ): Promise<Result<AgentMethods['cluster.init']>>;
  join(
    params: Parsed<AgentMethods['cluster.join']>,
    signal: AbortSignal,
  ): Promise<Result<AgentMethods['cluster.join']>>;
  leave(params: Parsed<AgentMethods['cluster.leave']>): Promise<Result<AgentMethods['cluster.leave']>>;
  renew(signal: AbortSignal): Promise<Result<AgentMethods['certificate.renew']>>;
}

export function clusterHandlers(membership: ClusterMembership): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'cluster.init': (params, { signal }) => membership.init(params, signal),
    'cluster.join': (params, { signal }) => membership.join(params, signal),
    'cluster.leave': (params) => membership.leave(params),
    'certificate.renew': (_params, { signal }) => membership.renew(signal),
  };
}
