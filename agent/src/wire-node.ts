/** Facts of this machine that the handlers show. */
import type { ClusterIdentity } from '@volt/shared/pki';
import { listUnits, serviceStatuses, systemdVersion, type SystemBus } from '@volt/shared/systemd';
import { hostNodeName, type NodeFacts } from './api/index.ts';

export function nodeFacts(bus: SystemBus, identity: ClusterIdentity | null): NodeFacts {
  return {
    name: () => identity?.config.node ?? hostNodeName(),
    cluster: () => identity?.config.cluster ?? null,
    // A bus that is away is no reason to refuse an answer about the rest.
    systemdVersion: () => systemdVersion(bus).catch(() => null),
    services: async (all) => serviceStatuses(await listUnits(bus, ['*.service']), all),
  };
}
