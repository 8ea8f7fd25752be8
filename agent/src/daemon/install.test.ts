import { dirname } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { Programs } from '../host/index.ts';
import { MemoryFiles } from '../host/testing.ts';
import { install } from './install.ts';

const present = [
  '/run/systemd/system/any',
  '/usr/bin/systemd-nspawn',
  '/usr/bin/catatonit',
  '/usr/sbin/nft',
  '/usr/bin/mount',
  '/usr/bin/nsenter',
  '/usr/sbin/ip',
];

async function machine(mountVersion = 'mount from util-linux 2.41 (libmount 2.41.0: …)', more: readonly string[] = []) {
  const files = new MemoryFiles();
  await files.makeFolder('/etc/systemd/system', { mode: 0o755 });
  for (const path of [...present, ...more]) {
    await files.makeFolder(dirname(path), { mode: 0o755 });
    await files.write(path, '', { mode: 0o755 });
  }
  const ran: string[] = [];
  const run: Programs['run'] = async (argv) => {
    ran.push(argv.join(' '));
    return { code: 0, stdout: argv[0] === 'mount' ? `${mountVersion}\n` : '', stderr: '' };
  };
  const programs = { run } as Programs;
  const ports = { files, programs, program: '/usr/local/bin/volt', report: () => {} };
  return { files, ran, install: () => install(ports, new AbortController().signal) };
}

test('the agent is started anew', async () => {
  const { ran, install: act } = await machine();
  await act();
  expect(ran.at(-1)).toBe('systemctl restart volt.service');
});

test('on a controller the controller is started anew as well', async () => {
  const { ran, install: act } = await machine(undefined, ['/etc/systemd/system/volt-controller.service']);
  await act();
  expect(ran.slice(-2)).toEqual(['systemctl restart volt.service', 'systemctl restart volt-controller.service']);
});

describe('mount', () => {
  test.each(['2.38.1', '2.4', '1.99'])('util-linux %s is too old, and nothing is changed', async (version) => {
    const { ran, files, install: act } = await machine(`mount from util-linux ${version} (libmount)`);
    await expect(act()).rejects.toMatchObject({ code: 'DEPENDENCY', hint: 'Debian 13 has it' });
    expect(ran).toEqual(['mount --version']);
    expect(await files.list('/etc/systemd/system')).toEqual([]);
  });

  test('another mount is refused', async () => {
    const { install: act } = await machine('BusyBox v1.36');
    await expect(act()).rejects.toThrow('mount is not that of util-linux');
  });

  test('a newer major version is fine', async () => {
    await expect((await machine('mount from util-linux 3.0')).install()).resolves.toBeUndefined();
  });
});
