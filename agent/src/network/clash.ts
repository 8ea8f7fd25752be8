import { VoltError } from '@volt/shared/errors';
import type { Bridge } from './render.ts';
import { formatSubnet, overlaps, parseAddress, type Subnet } from './subnet.ts';

/** What `ip -j -d link show` and `ip -j route show table all` tell, as far as it matters here. */
export interface Link {
  readonly ifname: string;
  readonly linkinfo?: { readonly info_kind?: string } | undefined;
}
export interface Route {
  readonly dst: string;
  readonly dev?: string | undefined;
  readonly protocol?: string | undefined;
}

/**
 * Refuses a bridge that would take a name or addresses that something else on
 * the machine has. Pure.
 */
export function refuseClash(bridge: Bridge, links: readonly Link[], routes: readonly Route[]): void {
  const taken = links.find(({ ifname }) => ifname === bridge.name);
  if (taken !== undefined && taken.linkinfo?.info_kind !== 'bridge') {
    throw new VoltError('CONFLICT', `'${bridge.name}' is an interface already, and not a bridge`, {
      hint: 'choose another bridge name in /etc/volt/config.yaml',
    });
  }
  for (const { dst, dev } of routes) {
    const subnet = routedSubnet(dst);
    if (subnet === undefined || dev === undefined || dev === bridge.name || dev === 'lo') continue;
    if (!overlaps(subnet, bridge.subnet)) continue;
    throw new VoltError('CONFLICT', `${formatSubnet(bridge.subnet)} is in use: ${dst} is on '${dev}'`, {
      hint: 'choose another subnet in /etc/volt/config.yaml',
    });
  }
}

/** A wide route, such as the default or 10.0.0.0/8, is a direction and not a use. */
const USE_PREFIX_MIN = 16;

function routedSubnet(dst: string): Subnet | undefined {
  const [address = '', prefix = '32'] = dst.split('/');
  const base = parseAddress(address);
  if (base === undefined || Number(prefix) < USE_PREFIX_MIN) return undefined;
  return { base, prefix: Number(prefix) };
}
