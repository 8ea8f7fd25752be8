/** Looks for the NATS server that a controller needs, before anything depends on it. */
import { VoltError } from '@volt/shared/errors';
import type { BootstrapPorts } from './ports.ts';

/** The oldest one that clusters are tested with; earlier ones lose streams when servers come and go. */
const MIN = '2.10.23';

const PACKAGE_HINT = 'apt-get install nats-server';

/** DEPENDENCY when there is none, or an old one. `otherwise` is a way for those who cannot have it. */
export async function requireNats(
  { natsVersion }: Pick<BootstrapPorts, 'natsVersion'>,
  signal: AbortSignal,
  otherwise?: string,
): Promise<void> {
  const said = await natsVersion(signal);
  const hint = [PACKAGE_HINT, ...(otherwise === undefined ? [] : [otherwise])].join(', or ');
  if (said === undefined)
    throw new VoltError('DEPENDENCY', 'A controller needs nats-server, which is absent', { hint });
  const version = /\d+\.\d+\.\d+/.exec(said)?.[0];
  if (version !== undefined && !isOlder(version, MIN)) return;
  throw new VoltError('DEPENDENCY', `A controller needs nats-server ${MIN} or newer; here is ${version ?? said}`, {
    hint: ['Debian 13 has it', ...(otherwise === undefined ? [] : [otherwise])].join(', or '),
  });
}

function isOlder(version: string, than: string): boolean {
  const [left, right] = [version, than].map((text) => text.split('.').map(Number));
  const at = left!.findIndex((part, index) => part !== right![index]);
  return at !== -1 && left![at]! < right![at]!;
}
