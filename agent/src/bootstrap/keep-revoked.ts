/** Keeping the list of keys that open no door any more, for as long as a node is a member. */
import { clusterFiles, clusterPath, writeRevoked, type RevokedKeys } from '@volt/shared/pki';
import type { BootstrapFiles } from './ports.ts';

export interface RevokedWatch {
  readonly files: Pick<BootstrapFiles, 'read' | 'write'>;
  /** What this agent's doors go by. */
  readonly revoked: Pick<RevokedKeys, 'replace'>;
}

/** The file is what the next start goes by, before the cluster can be asked. Again changes nothing. */
export async function keepRevoked({ files, revoked }: RevokedWatch, keys: readonly string[]): Promise<void> {
  revoked.replace(keys);
  const text = writeRevoked(keys);
  const path = clusterPath('revoked');
  const present = await files.read(path);
  if (present === text || (present === undefined && keys.length === 0)) return;
  await files.write(path, text, { mode: clusterFiles.revoked.mode });
}
