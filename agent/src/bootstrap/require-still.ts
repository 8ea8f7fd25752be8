import { VoltError } from '@volt/shared/errors';
import type { BootstrapPorts } from './ports.ts';

/** Names in the message; the rest is counted. */
const NAMED_MAX = 5;

/**
 * In a cluster this node's containers have addresses that no other node's have,
 * so those there are get others, and what runs is started again. CONFLICT
 * unless somebody has said that this is fine.
 */
export async function requireStill(
  { running }: Pick<BootstrapPorts, 'running'>,
  { readdress }: { readonly readdress: boolean },
): Promise<void> {
  const names = readdress ? [] : await running();
  if (names.length === 0) return;
  const some = names.slice(0, NAMED_MAX).map((name) => `'${name}'`);
  const rest = names.length > NAMED_MAX ? [`${names.length - NAMED_MAX} more`] : [];
  throw new VoltError(
    'CONFLICT',
    `Containers run here that would get other addresses: ${[...some, ...rest].join(', ')}`,
    {
      hint: '--readdress has them started again with addresses of the cluster',
    },
  );
}
