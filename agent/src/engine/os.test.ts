import { describe, expect, test } from 'vitest';
import type { ContainerSpecInput } from '@volt/shared/model';
import { MemoryFiles } from '../host/testing.ts';
import { resolveConfig } from './config.ts';
import { checkOs, requireSystemd } from './os.ts';
import { image, spec } from './testing.ts';

const os = (rest: Partial<ContainerSpecInput> = {}) => spec('box', { os: true, ...rest });

test('one that boots may have limits, mounts of its own and a policy of restart', () =>
  expect(() => checkOs(os({ memory: '1G', restart: 'always', readOnly: false, capDrop: ['sys_nice'] }))).not.toThrow());

test.each<[string, Partial<ContainerSpecInput>]>([
  ['a program', { command: ['sh'] }],
  ['a terminal', { tty: true }],
  ['a user', { user: 'www-data' }],
  ['a signal', { stopSignal: 'SIGTERM' }],
  ['ports', { netBind: [] }],
  ['root of the machine', { without: ['user-namespace'] }],
  ['nothing that keeps it', { without: ['all'] }],
])('and not %s', (_what, rest) => {
  expect(() => checkOs(os(rest))).toThrow(expect.objectContaining({ code: 'USAGE' }));
  expect(() => checkOs(spec('program', rest))).not.toThrow();
});

test('it runs as root, is stopped as systemd is, and has no program whatever the image says', () => {
  const said = image({ entrypoint: ['/bin/app'], user: 'nobody', workdir: '/srv', stopSignal: 'SIGINT' });
  const accounts = { passwd: '', group: '' };
  const facts = { spec: os(), image: said, accounts, assignment: null, now: new Date(0), id: 'a'.repeat(32) };
  expect(resolveConfig(facts)).toMatchObject({ command: [], user: '', workdir: '', stopSignal: 'SIGRTMIN+3' });
});

describe('an image', () => {
  const files = new MemoryFiles();

  test('without a systemd is refused', () =>
    expect(requireSystemd(files, '/lower/empty', os())).rejects.toMatchObject({
      code: 'USAGE',
      message: "Image 'app' has no systemd to boot",
    }));
  test('without one is fine for a program', () => requireSystemd(files, '/lower/empty', spec('program')));
  test('with one boots', async () => {
    await files.makeFolder('/lower/os/usr/lib/systemd', { mode: 0o755 });
    await files.write('/lower/os/usr/lib/systemd/systemd', '', { mode: 0o755 });
    await requireSystemd(files, '/lower/os', os());
  });
});
