import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { jobError } from './bus-errors.ts';
import { systemdCall, SystemBus } from './bus.ts';

let folder = '';
let server: Server;
const sockets = new Set<Socket>();

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volt-bus-'));
  server = createServer((socket) => void sockets.add(socket)).listen(join(folder, 'bus'));
  await once(server, 'listening');
});

afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  server.close();
  await rm(folder, { recursive: true });
});

test('no bus is a dependency, with what to look at', async () => {
  const bus = new SystemBus({ address: `unix:path=${join(folder, 'nosuch')}` });
  await expect(bus.call(systemdCall('ListUnits'))).rejects.toMatchObject({
    code: 'DEPENDENCY',
    hint: 'systemctl status dbus.socket',
  });
});

test('a bus that goes away fails the call that waits, and the next call connects again', async () => {
  const bus = new SystemBus({ address: `unix:path=${join(folder, 'bus')}` });
  for (let turn = 0; turn < 2; turn++) {
    server.once('connection', (socket) => socket.destroy());
    await expect(bus.call(systemdCall('ListUnits'))).rejects.toMatchObject({ code: 'DEPENDENCY' });
  }
});

test.each([
  ['timeout', 'TIMEOUT'],
  ['failed', 'DEPENDENCY'],
  ['canceled', 'CONFLICT'],
  ['a-word-of-tomorrow', 'DEPENDENCY'],
])('a job that ends as %s is %s', (result, code) =>
  expect(jobError('web.service', 'start', result)).toMatchObject({
    code,
    message: `Could not start 'web.service': the job ended as '${result}'`,
  }),
);
