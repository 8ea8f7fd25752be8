/** What the bridge needs at boot, as files that ip and nft read themselves. Pure. */
import { formatSubnet, gatewayOf, hardwareAddress, parseSubnet, type Subnet } from './subnet.ts';

/** Another node's containers, and where they are reached. */
export interface Peer {
  readonly subnet: Subnet;
  readonly address: string;
}

export interface Bridge {
  readonly name: string;
  readonly subnet: Subnet;
}

/** Marks our routes in the kernel's table, so that stale ones are known. Not taken in iproute2's rt_protos. */
export const ROUTE_PROTOCOL = 86;

/** Commands for `ip -batch`. Each can be repeated. */
export function renderIp({ name, subnet }: Bridge): string {
  const gateway = gatewayOf(subnet);
  const lines = [
    // A bridge would otherwise take over the lowest address of its ports, and change it as they come and go.
    `link set dev ${name} address ${hardwareAddress(gateway)} up`,
    `address replace ${gateway}/${subnet.prefix} dev ${name}`,
  ];
  return `${lines.join('\n')}\n`;
}

/** Also for `ip -batch`, apart: at boot the way to a peer may not be there yet, and the bridge must not wait for it. */
export const renderRoutes = (peers: readonly Peer[]): string =>
  peers.map((peer) => `route replace ${routeOf(peer)}\n`).join('');

const routeOf = ({ subnet, address }: Peer): string => `${formatSubnet(subnet)} via ${address} proto ${ROUTE_PROTOCOL}`;

/** The peers that a file of renderRoutes() was made with. */
export function peersOf(text: string): Peer[] {
  const routes = text.matchAll(/^route replace (\S+) via (\S+) /gm);
  return [...routes].map(([, subnet = '', address = '']) => ({ subnet: parseSubnet(subnet), address }));
}

/**
 * Our own table, replaced whole in one transaction. What leaves the bridge
 * for the world takes the node's address; what goes to another node's
 * containers keeps its own, so that they know who is calling.
 */
export function renderNft({ name, subnet }: Bridge, peers: readonly Peer[]): string {
  const inside = [subnet, ...peers.map((peer) => peer.subnet)].map(formatSubnet).sort();
  return `table ip volt
delete table ip volt
table ip volt {
  set containers {
    type ipv4_addr
    flags interval
    auto-merge
    elements = { ${inside.join(', ')} }
  }
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${formatSubnet(subnet)} oifname != "${name}" ip daddr != @containers masquerade
  }
}
`;
}

export const NETWORK_UNIT = 'volt-network.service';

/** Brings the bridge up at boot, whether the agent comes or not. */
export function renderNetworkUnit(bridge: string, folder: string): string {
  return `[Unit]
Description=Volt network bridge ${bridge}
Documentation=man:ip(8) man:nft(8)
RequiresMountsFor=${folder}
After=network-pre.target nftables.service
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=-/usr/sbin/ip link add name ${bridge} type bridge
ExecStart=/usr/sbin/ip -batch ${folder}/${bridge}.ip
ExecStart=/bin/sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'
ExecStart=/usr/sbin/nft -f ${folder}/${bridge}.nft
ExecStart=-/usr/sbin/ip -force -batch ${folder}/${bridge}.routes

[Install]
WantedBy=multi-user.target
`;
}
