import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { agentMethods } from '../rpc/index.ts';
import { connect } from './index.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-client-'));
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true, force: true });
});

test('a socket that nobody made means that the agent is down', async () => {
  const client = connect({ kind: 'socket', path: join(folder, 'none') }, agentMethods);
  await expect(client.call('system.info', {})).rejects.toMatchObject({
    code: 'DAEMON',
    hint: expect.stringContaining('systemctl'),
  });
});

test('a socket that accepts and never reads means that the agent is down, long before the call is late', async () => {
  const path = join(folder, 'mute');
  const { promise: accepted, resolve } = Promise.withResolvers<void>();
  const server = createServer({ pauseOnConnect: true }, () => resolve()).listen(path);
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const client = connect({ kind: 'socket', path }, agentMethods);
  const call = client.call('system.info', {}).catch((thrown: unknown) => thrown);
  await accepted;
  await vi.advanceTimersByTimeAsync(10_000);
  expect(await call).toMatchObject({ code: 'DAEMON' });
  server.close();
});

test('a server that closes before it answers leaves the outcome to the agent, not to the network', async () => {
  const path = join(folder, 'rude');
  const server = createServer((socket) => socket.destroy()).listen(path);
  const client = connect({ kind: 'socket', path }, agentMethods);
  await expect(client.call('system.info', {})).rejects.toMatchObject({ code: 'DAEMON' });
  server.close();
});
