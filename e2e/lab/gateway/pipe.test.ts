import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { join, listen } from './pipe.ts';

const servers: Server[] = [];

afterEach(async () => {
  for (const server of servers.splice(0)) await new Promise((resolve) => server.close(resolve));
});

/** A server, and a relay in front of it; the result is the relay's port. */
async function relayTo(serve: (socket: Socket) => void): Promise<number> {
  const loopback = { host: '127.0.0.1', port: 0 };
  const target = createServer({ allowHalfOpen: true }, serve);
  const port = await listen(target, loopback);
  const relay = createServer({ allowHalfOpen: true }, (client) =>
    join(client, connect({ host: '127.0.0.1', port, allowHalfOpen: true })),
  );
  servers.push(target, relay);
  return listen(relay, loopback);
}

const open = (port: number) => connect({ host: '127.0.0.1', port, allowHalfOpen: true });

test('an end of sending leaves the answer to come', async () => {
  const port = await relayTo((socket) => {
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.end(`got ${Buffer.concat(chunks).toString()}`));
  });
  const client = open(port);
  client.end('question');
  expect((await client.toArray()).join('')).toBe('got question');
});

test('a broken connection behind the relay breaks the one in front', async () => {
  const port = await relayTo((socket) => socket.resetAndDestroy());
  await expect(once(open(port), 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
});

test('a broken connection in front of the relay breaks the one behind', async () => {
  const gone = Promise.withResolvers<void>();
  const port = await relayTo((socket) => {
    socket.on('error', () => {});
    socket.on('close', () => gone.resolve());
    socket.write('x');
  });
  const client = open(port);
  client.on('error', () => {});
  await once(client, 'data');
  client.resetAndDestroy();
  await gone.promise;
});

test('nobody listening behind the relay ends the connection in front', async () => {
  const loopback = { host: '127.0.0.1', port: 0 };
  const free = createServer();
  const port = await listen(free, loopback);
  await new Promise((resolve) => free.close(resolve));
  const relay = createServer({ allowHalfOpen: true }, (client) => join(client, open(port)));
  servers.push(relay);
  const front = await listen(relay, loopback);
  await expect(once(open(front), 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
});
