import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listenFds } from './activation.ts';

const pid = String(process.pid);

test.each([
  ['two sockets for us', { LISTEN_FDS: '2', LISTEN_PID: pid }, [3, 4]],
  ['sockets of our parent', { LISTEN_FDS: '1', LISTEN_PID: '1' }, []],
  ['no activation', {}, []],
  ['no number', { LISTEN_FDS: 'many', LISTEN_PID: pid }, []],
  ['a wild number', { LISTEN_FDS: '100000', LISTEN_PID: pid }, []],
])('%s', (_, env, expected) => expect(listenFds(env)).toEqual(expected));

test('children do not see the variables', () => {
  const env = { LISTEN_FDS: '1', LISTEN_PID: pid, LISTEN_FDNAMES: 'volt.socket', PATH: '/bin' };
  listenFds(env);
  expect(env).toEqual({ PATH: '/bin' });
});

test('a server serves on a descriptor that was listening before it started', async () => {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const fd = (listener as unknown as { _handle: { fd: number } })._handle.fd;

  const script = `
    process.env.LISTEN_PID = String(process.pid);
    import(${JSON.stringify(join(import.meta.dirname, 'activation.ts'))}).then(({ listenFds }) => {
      const [fd] = listenFds();
      require('node:net').createServer((socket) => socket.end('from the child', () => process.exit())).listen({ fd });
    });`;
  const child = spawn(process.execPath, ['-e', script], {
    env: { ...process.env, LISTEN_FDS: '1' },
    stdio: ['ignore', 'inherit', 'inherit', fd],
  });
  listener.close();

  // The kernel holds the connection until the child accepts: that is the point of activation.
  const client = createConnection(port, '127.0.0.1');
  const [answer] = (await once(client, 'data')) as [Buffer];
  expect(answer.toString()).toBe('from the child');
  await once(child, 'exit');
});
