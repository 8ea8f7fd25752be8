import { mkdtempSync, rmSync } from 'node:fs';
import { dlopen } from 'node:ffi';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { notify, watchdogIntervalMs } from './notify.ts';

const { functions: c } = dlopen(null, {
  socket: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  bind: { return: 'int32', arguments: ['int32', 'buffer', 'uint32'] },
  recv: { return: 'int64', arguments: ['int32', 'buffer', 'uint64', 'int32'] },
  close: { return: 'int32', arguments: ['int32'] },
});

/** The service manager's end: a bound datagram socket, which Node cannot make. */
function receiver(name: string): { read(): string | undefined; close(): void } {
  const fd = c.socket(1, 2, 0);
  const address = Buffer.concat([Buffer.from([1, 0]), Buffer.from(name)]);
  expect(c.bind(fd, address, address.length)).toBe(0);
  return {
    read() {
      const buffer = Buffer.alloc(4096);
      const size = Number(c.recv(fd, buffer, 4096n, 0x40));
      return size < 0 ? undefined : buffer.toString('utf8', 0, size);
    },
    close: () => void c.close(fd),
  };
}

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-notify-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('a message arrives at a socket in the file system', () => {
  const path = join(folder, 'notify');
  const manager = receiver(`${path}\0`);
  expect(notify('READY=1\nSTATUS=Serving', { NOTIFY_SOCKET: path })).toBe(true);
  expect(manager.read()).toBe('READY=1\nSTATUS=Serving');
  manager.close();
});

test('a message arrives at an abstract socket', () => {
  const name = `volt-notify-${process.pid}`;
  const manager = receiver(`\0${name}`);
  expect(notify('WATCHDOG=1', { NOTIFY_SOCKET: `@${name}` })).toBe(true);
  expect(manager.read()).toBe('WATCHDOG=1');
  manager.close();
});

test('a full queue refuses the message instead of waiting', () => {
  const path = join(folder, 'full');
  const manager = receiver(`${path}\0`);
  const sent = Array.from({ length: 10_000 }, () => notify('WATCHDOG=1', { NOTIFY_SOCKET: path }));
  expect(sent[0]).toBe(true);
  expect(sent.at(-1)).toBe(false);
  manager.close();
});

test.each([
  ['no service manager', undefined],
  ['nobody listening', '/nonexistent/notify'],
  ['a relative path', 'notify'],
  ['a path too long for an address', `/${'x'.repeat(200)}`],
])('%s: false', (_, path) => expect(notify('READY=1', path === undefined ? {} : { NOTIFY_SOCKET: path })).toBe(false));

test('the watchdog is fed twice in its time', () => {
  const pid = String(process.pid);
  expect(watchdogIntervalMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: pid })).toBe(15_000);
  expect(watchdogIntervalMs({ WATCHDOG_USEC: '30000000', WATCHDOG_PID: '1' })).toBeUndefined();
  expect(watchdogIntervalMs({ WATCHDOG_USEC: 'soon' })).toBeUndefined();
  expect(watchdogIntervalMs({})).toBeUndefined();
});
