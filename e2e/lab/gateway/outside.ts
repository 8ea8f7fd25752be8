/**
 * The gateway's half in the host's network namespace: fetches packages for
 * the nodes, and listens on 127.0.0.1 for what the host wants of them.
 */
import { connect, createServer } from 'node:net';
import type { Mirrors } from '../apt-sources.ts';
import { relays, type Relay } from '../settings.ts';
import { packageServer } from './packages.ts';
import { join, listen } from './pipe.ts';
import { writeTarget } from './target.ts';

/** Relay name and node number to the port on 127.0.0.1. */
export type RelayPorts = Record<string, Record<number, number>>;

export interface OutsideSettings {
  readonly sockets: { packages: string; relays: string };
  readonly mirrors: Mirrors;
  readonly cacheFolder: string;
  readonly nodes: number;
  /** Only one lab at a time can have the fixed ports; the others take free ones. */
  readonly wantsFixedPorts: boolean;
}

export async function runOutside(settings: OutsideSettings): Promise<RelayPorts> {
  await listen(packageServer(settings.mirrors, settings.cacheFolder), { path: settings.sockets.packages });
  const ports: RelayPorts = {};
  for (const relay of relays) {
    const ofRelay: Record<number, number> = {};
    for (let index = 1; index <= settings.nodes; index += 1) {
      ofRelay[index] = await openRelay(relay, index, settings);
    }
    ports[relay.name] = ofRelay;
  }
  return ports;
}

async function openRelay(relay: Relay, index: number, settings: OutsideSettings): Promise<number> {
  const makeServer = () =>
    createServer({ allowHalfOpen: true }, (client) => {
      const inside = connect({ path: settings.sockets.relays, allowHalfOpen: true });
      inside.write(writeTarget(index, relay.nodePort));
      join(client, inside);
    });
  const host = '127.0.0.1';
  if (settings.wantsFixedPorts) {
    const port = await listen(makeServer(), { host, port: relay.hostPortBase + index }).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return listen(makeServer(), { host, port: 0 });
}
