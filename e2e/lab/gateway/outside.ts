/**
 * The gateway's half in the host's network namespace: fetches packages for
 * the nodes, and listens on 127.0.0.1 for what the host wants of them.
 */
import { connect, createServer } from 'node:net';
import * as z from 'zod';
import { NODES_MAX, relays, type Relay } from '../settings.ts';
import { packageServer } from './packages.ts';
import { breakOff, join, listen } from './pipe.ts';
import { CONNECTED, writeTarget } from './target.ts';

/** Relay name and node number to the port on 127.0.0.1. */
export type RelayPorts = Record<string, Record<number, number>>;

/** What both halves are told, in a file. */
export const GatewaySettings = z.strictObject({
  sockets: z.strictObject({ packages: z.string(), relays: z.string() }),
  mirrors: z.strictObject({ debian: z.string(), security: z.string(), proxy: z.string().optional() }),
  cacheFolder: z.string(),
  nodes: z.int().min(1).max(NODES_MAX),
  /** Only one lab at a time can have the fixed ports; the others take free ones. */
  wantsFixedPorts: z.boolean(),
  /** Written when the half works; the outside half's has its ports in it. */
  readyFile: z.string(),
});
export type GatewaySettings = z.output<typeof GatewaySettings>;

export async function runOutside(settings: GatewaySettings): Promise<RelayPorts> {
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

async function openRelay(relay: Relay, index: number, settings: GatewaySettings): Promise<number> {
  const makeServer = () =>
    createServer({ allowHalfOpen: true }, (client) => {
      const inside = connect({ path: settings.sockets.relays, allowHalfOpen: true });
      inside.write(writeTarget(index, relay.nodePort));
      client.on('error', () => inside.destroy());
      inside.on('error', () => breakOff(client));
      // Nobody there: the client sees a failure, not an empty answer.
      const refuse = () => breakOff(client);
      inside.once('end', refuse);
      inside.once('readable', () => {
        if (inside.read(CONNECTED.length) === null) return;
        inside.off('end', refuse);
        join(client, inside);
      });
    });
  const host = '127.0.0.1';
  if (settings.wantsFixedPorts) {
    const port = await listen(makeServer(), { host, port: relay.hostPortBase + index }).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return listen(makeServer(), { host, port: 0 });
}
