/** A node's TCP port on the host's loopback, where the lab has no relay. Works while the node is cut off. */
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { LabNode } from '../lab/index.ts';

export class Tunnel {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(node: LabNode, port: number) {
    this.#server = createServer((socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
      void carry(node, port, socket);
    });
  }

  static async open(node: LabNode, port: number): Promise<Tunnel> {
    const tunnel = new Tunnel(node, port);
    tunnel.#server.listen(0, '127.0.0.1');
    await once(tunnel.#server, 'listening');
    return tunnel;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

/** One connection, carried by a process on the node. Either end may go at any time. */
async function carry(node: LabNode, port: number, socket: Socket): Promise<void> {
  socket.on('error', () => {});
  try {
    const { stdin, stdout, ...child } = await node.spawn(['socat', '-', `TCP:${node.address}:${port}`]);
    void child;
    stdin?.on('error', () => {});
    stdout?.on('error', () => {});
    if (stdin != null) socket.pipe(stdin);
    if (stdout != null) stdout.pipe(socket);
  } catch {
    socket.destroy();
  }
}
