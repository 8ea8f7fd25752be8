import { chmod, mkdir, unlink } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Caller } from '@volt/shared/server';
import type { FastifyInstance } from 'fastify';
import { isInGroup, peerCredentials, userName } from '../host/index.ts';

/** Members may change things; everybody else may look. */
const GROUP = 'volt';

/** Anyone may connect: what they may do is decided by who they are. */
const SOCKET_MODE = 0o666;

/**
 * Whose request came over the socket, by the kernel's word (SO_PEERCRED,
 * unix(7)). Asked once a connection: the kernel recorded it when they connected.
 */
export function identifyBySocket(): (request: IncomingMessage) => Caller | undefined {
  const known = new WeakMap<Socket, Caller>();
  return ({ socket }) => {
    const caller = known.get(socket) ?? look(socket);
    if (caller !== undefined) known.set(socket, caller);
    return caller;
  };
}

function look(socket: Socket): Caller | undefined {
  try {
    const peer = peerCredentials(socket);
    const mayChange = peer.uid === 0 || isInGroup(peer, GROUP);
    return { name: userName(peer.uid), uid: peer.uid, roles: [mayChange ? 'admin' : 'reader'] };
  } catch {
    // Somebody the kernel will not name is a stranger.
    return undefined;
  }
}

/** Listens on the socket that systemd opened, or opens it where there is none. */
export async function listenOnSocket(
  app: FastifyInstance,
  path: string,
  handedOver: number | undefined,
): Promise<void> {
  if (handedOver !== undefined) {
    await app.ready();
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    app.server.once('error', reject);
    app.server.listen({ fd: handedOver }, resolve);
    await promise;
    return;
  }
  await mkdir(dirname(path), { recursive: true, mode: 0o755 });
  await unlink(path).catch(() => {});
  await app.listen({ path });
  await chmod(path, SOCKET_MODE);
}
