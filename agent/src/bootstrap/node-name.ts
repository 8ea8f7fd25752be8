import { VoltError } from '@volt/shared/errors';
import { NodeName } from '@volt/shared/model';

/** The name asked for, or the first label of the host name. USAGE when that is no node name. */
export function nodeNameOf(asked: string | undefined, hostName: string): string {
  const name = asked ?? hostName.split('.')[0]!.toLowerCase();
  if (NodeName.safeParse(name).success) return name;
  throw new VoltError('USAGE', `The host name '${name}' cannot be a node name`, { hint: 'give one with --node' });
}
