import { VoltError } from '@volt/shared/errors';
import { formatAddress, formatSubnet, sizeOf, type Subnet } from './subnet.ts';

/**
 * A free address of the subnet, the lowest. Never the network's own, the
 * broadcast or the gateway, nor one that is used or reserved. Pure.
 */
export function allocate(subnet: Subnet, used: ReadonlySet<string>, reserved: ReadonlySet<string>): string {
  const last = subnet.base + sizeOf(subnet) - 2;
  for (let number = subnet.base + 2; number <= last; number++) {
    const address = formatAddress(number);
    if (!used.has(address) && !reserved.has(address)) return address;
  }
  throw new VoltError('RESOURCE', `No address is free in ${formatSubnet(subnet)}`, { hint: 'volt container list' });
}
