/** Keeping a node's list of controllers true for as long as it is a member. */
import type { NodeRecord } from '@volt/shared/model';
import { clusterFiles, clusterPath, withControllers, writeConfig, type ClusterConfig } from '@volt/shared/pki';
import type { BootstrapFiles } from './ports.ts';

export interface KeptNode {
  readonly config: ClusterConfig;
  readonly files: Pick<BootstrapFiles, 'read' | 'write'>;
}

/**
 * Where the next start of this agent finds its cluster, though each controller that it joined with was replaced.
 * A controller keeps its own list, with all else that depends on it. Again changes nothing.
 */
export async function keepControllers(
  { config, files }: KeptNode,
  others: readonly Pick<NodeRecord, 'name' | 'address' | 'roles'>[],
): Promise<void> {
  if (config.roles.includes('controller')) return;
  const controllers = others.filter(({ roles }) => roles.includes('controller'));
  // Nobody has told of itself yet: the list there is has at least been true.
  if (controllers.length === 0) return;
  const peers = controllers.map(({ name, address }) => ({ node: name, address }));
  const text = writeConfig(withControllers(config, peers));
  const path = clusterPath('config');
  if ((await files.read(path)) !== text) await files.write(path, text, { mode: clusterFiles.config.mode });
}
