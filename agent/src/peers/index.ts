export { Peers, type Peer, type PeersOptions } from './peers.ts';
