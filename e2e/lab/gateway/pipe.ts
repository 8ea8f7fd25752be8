/** Joins two sockets: bytes both ways, an end on one side is an end on the other, a failure ends both. */
import type { Server, Socket } from 'node:net';

/** Connections a listening socket of the gateway holds at once; more are refused. */
export const CONNECTIONS_MAX = 256;

/** Sockets must allow half-open connections, or an end of sending would be taken for an end of all. */
export function join(a: Socket, b: Socket): void {
  a.pipe(b);
  b.pipe(a);
  for (const [one, other] of [
    [a, b],
    [b, a],
  ] as const) {
    one.setNoDelay(true);
    one.on('error', () => breakOff(other));
    one.on('close', () => {
      // A close after a proper end leaves the other side to finish what it has to say.
      if (!one.readableEnded) breakOff(other);
    });
  }
}

/** Ends a connection so that its peer sees a failure and not a proper end. Unix sockets know no such thing. */
export function breakOff(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.remoteFamily === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** Resolves with the port once the server listens, or rejects. */
export function listen(server: Server, options: { port: number; host: string } | { path: string }): Promise<number> {
  server.maxConnections = CONNECTIONS_MAX;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(address !== null && typeof address === 'object' ? address.port : 0);
    });
  });
}
