export { createNetwork, type Network, type NetworkOptions, type PeerRoute, type Place } from './network.ts';
export { NETWORK_UNIT } from './render.ts';
export { hardwareAddress } from './subnet.ts';
