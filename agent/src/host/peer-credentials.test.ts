import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, connect, type AddressInfo, type ListenOptions, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { peerCredentials } from './peer-credentials.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-peer-'));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Listens, lets `dial` connect, and gives the accepted socket to `look` while the connection is open. */
async function accept<T>(
  where: ListenOptions,
  dial: (server: Server) => unknown,
  look: (socket: Socket) => T,
): Promise<T> {
  const server = createServer().listen(where);
  await once(server, 'listening');
  if (where.path !== undefined) chmodSync(where.path, 0o777);
  try {
    const accepted = once(server, 'connection') as Promise<[Socket]>;
    dial(server);
    const [socket] = await accepted;
    try {
      return look(socket);
    } finally {
      socket.destroy();
    }
  } finally {
    server.close();
  }
}

test('a connection from this process carries our own ids', async () => {
  const path = join(folder, 'own.sock');
  const peer = await accept({ path }, () => connect(path), peerCredentials);
  expect(peer).toMatchObject({ pid: process.pid, uid: process.getuid?.(), gid: process.getgid?.() });
  expect(peer.groups.every(Number.isInteger)).toBe(true);
});

test.runIf(isRoot)('a connection from another user carries that user and its groups', async () => {
  const path = join(folder, 'other.sock');
  const script = `require('net').connect(${JSON.stringify(path)}).on('close', () => process.exit())`;
  const dial = () =>
    spawn('setpriv', ['--reuid=65534', '--regid=65534', '--groups=7,4242', process.execPath, '-e', script]);
  const peer = await accept({ path }, dial, peerCredentials);
  expect(peer).toMatchObject({ uid: NOBODY, gid: NOBODY, groups: [7, 4242] });
  expect(peer.pid).not.toBe(process.pid);
});

test('a TCP connection is refused', async () => {
  const dial = (server: Server) => connect((server.address() as AddressInfo).port, '127.0.0.1');
  const attempt = accept({ port: 0, host: '127.0.0.1' }, dial, peerCredentials);
  await expect(attempt).rejects.toMatchObject({
    code: 'PERMISSION',
    message: expect.stringContaining('not a unix socket'),
  });
});

test('a closed connection is refused', async () => {
  const path = join(folder, 'closed.sock');
  const closed = await accept(
    { path },
    () => connect(path),
    (socket) => socket,
  );
  expect(() => peerCredentials(closed)).toThrow(expect.objectContaining({ code: 'PERMISSION' }));
});

test('without FFI everybody is refused', async () => {
  const script = `
    const net = require('node:net');
    const server = net.createServer(async (socket) => {
      const { peerCredentials } = await import(${JSON.stringify(join(import.meta.dirname, 'peer-credentials.ts'))});
      try { peerCredentials(socket); console.log('let in'); } catch (error) { console.log(error.code); }
      process.exit();
    }).listen(${JSON.stringify(join(folder, 'no-ffi.sock'))}, () => net.connect(server.address()));`;
  const child = spawn(process.execPath, ['--no-experimental-ffi', '-e', script]);
  const [output] = (await once(child.stdout, 'data')) as [Buffer];
  expect(output.toString().trim()).toBe('PERMISSION');
});
