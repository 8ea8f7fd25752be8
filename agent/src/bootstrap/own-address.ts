/** The address of this node that the others are to use, when nobody says. USAGE when it cannot be told. */
import { VoltError } from '@volt/shared/errors';
import type { BootstrapPorts } from './ports.ts';

/** For the first node there is nobody to reach yet: it has to be the only address. */
export function onlyAddress({ ownAddresses }: Pick<BootstrapPorts, 'ownAddresses'>): string {
  const addresses = ownAddresses();
  const [only] = addresses;
  if (only !== undefined && addresses.length === 1) return only;
  const which = addresses.length === 0 ? 'has no IPv4 address' : `has several addresses: ${addresses.join(', ')}`;
  throw new VoltError('USAGE', `This machine ${which}`, { hint: 'say with --address which one the others can reach' });
}

/** The one that this machine has on the way to the controller. */
export async function addressTowards(
  { localAddressTowards }: Pick<BootstrapPorts, 'localAddressTowards'>,
  controller: string,
  signal: AbortSignal,
): Promise<string> {
  const [host = '', port = ''] = controller.split(':');
  const address = await localAddressTowards(host, Number(port), signal);
  if (!address.startsWith('127.')) return address;
  throw new VoltError('USAGE', `The way to '${controller}' does not leave this machine`, {
    hint: 'say with --address where the others can reach it',
  });
}
