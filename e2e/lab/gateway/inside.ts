/**
 * The gateway's half in the lab's network namespace. It carries bytes and
 * knows no protocol: packages out to the other half, relays in to the nodes.
 */
import { connect, createServer, type Socket } from 'node:net';
import { GATEWAY_ADDRESS, PACKAGES_PORT } from '../settings.ts';
import { join, listen } from './pipe.ts';
import { CONNECTED, readTarget, TARGET_BYTES_MAX } from './target.ts';

const TARGET_MS_MAX = 5_000;
const CONNECT_MS_MAX = 5_000;
/** Port 80 too: nodes have the public mirrors' names for this address. */
const packagePorts = [PACKAGES_PORT, 80];

export async function runInside(sockets: { packages: string; relays: string }): Promise<void> {
  for (const port of packagePorts) {
    const server = createServer({ allowHalfOpen: true }, (client) => {
      join(client, connect({ path: sockets.packages, allowHalfOpen: true }));
    });
    await listen(server, { host: GATEWAY_ADDRESS, port });
  }
  await listen(createServer({ allowHalfOpen: true }, relay), { path: sockets.relays });
}

function relay(client: Socket): void {
  let head = Buffer.alloc(0);
  client.setTimeout(TARGET_MS_MAX, () => client.destroy());
  client.on('error', () => {});
  client.on('data', function read(chunk: Buffer) {
    head = Buffer.concat([head, chunk]);
    const end = head.indexOf('\n');
    if (end < 0 && head.length < TARGET_BYTES_MAX) return;
    client.off('data', read);
    client.pause();
    client.setTimeout(0);
    const target = end < 0 ? undefined : readTarget(head.subarray(0, end).toString());
    if (target === undefined) {
      client.destroy();
      return;
    }
    client.unshift(head.subarray(end + 1));
    const node = connect({ host: target.address, port: target.port, allowHalfOpen: true });
    node.setTimeout(CONNECT_MS_MAX, () => node.destroy());
    node.once('connect', () => {
      node.setTimeout(0);
      client.write(CONNECTED);
    });
    join(client, node);
  });
}
