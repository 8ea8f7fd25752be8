/** Where work on files goes, and with what rights. */
import { expect, test } from 'vitest';
import type { OpenProgram } from '../../../host/index.ts';
import { policyArguments } from '../../../security/index.ts';
import { config, fakeHost, nspawnOn, paths, spec } from '../../testing.ts';
import { NspawnFiles } from './files.ts';

const { signal } = new AbortController();
const verb = ['pack', '/etc', 'etc'];
const narrow = config('web', { spec: spec('web', { fsRead: ['/srv'], capDrop: ['chown'] }), user: '33:33:' });
const trusted = config('web', { spec: spec('web', { without: ['user-namespace'] }) });

async function world() {
  const host = await fakeHost();
  const opened: string[][] = [];
  const open = async (argv: readonly string[]): Promise<OpenProgram> => {
    opened.push([...argv]);
    throw new Error('not run');
  };
  const programs = { ...host.programs, open };
  const files = new NspawnFiles({ ...host, programs }, paths);
  const start = async () => {
    await nspawnOn(host).install(narrow, '/lower');
    await host.systemd.start('volt-container@web.service', { signal, timeoutMs: 1 });
  };
  /** The command line of what was asked for. */
  const asked = async (work: (one: NspawnFiles) => Promise<unknown>): Promise<string[]> => {
    await expect(work(files)).rejects.toThrow('not run');
    return opened.at(-1)!;
  };
  return { files, asked, start };
}

/** The words from the helper on. */
const helper = (argv: readonly string[]): string[] => argv.slice(argv.findLastIndex((word) => word.endsWith('/enter')));

test('one that runs is entered as by an exec, as root, with the policy of its programs', async () => {
  const { asked, start } = await world();
  await start();
  const argv = await asked((files) => files.inside(narrow, verb));
  expect(argv).toContain('/sys/fs/cgroup/payload');
  expect(argv).toContain('--all');
  const words = helper(argv);
  expect(words).toEqual(expect.arrayContaining([...policyArguments(narrow.spec), '--user=0:0', '--limits-of-init']));
  expect(words.slice(-5)).toEqual(['--files', '--', ...verb]);
});

test('one that is down is not entered', async () => {
  const { files } = await world();
  await expect(files.inside(narrow, verb)).rejects.toMatchObject({ code: 'CONFLICT' });
});

test('at rest it is reached in mounts apart, with its users and its policy', async () => {
  const { asked } = await world();
  const argv = await asked((files) => files.atRest(narrow, '/lower', verb));
  expect(argv.slice(0, 6)).toEqual([
    '/usr/bin/nsenter',
    '--mount=/proc/1/ns/mnt',
    '--',
    '/usr/bin/unshare',
    '--mount',
    '--',
  ]);
  const base = narrow.userns.base;
  expect(argv.slice(6, 12)).toEqual([`${paths.lib}/container`, 'files', 'web', '/lower', String(base), '65536']);
  const root = [`--root=${paths.containers}/web/rootfs`, `--users=${base}:65536`, '--user=0:0', '--cwd=/'];
  expect(helper(argv)).toEqual([
    `${paths.lib}/inside/enter`,
    ...root,
    ...policyArguments(narrow.spec),
    '--files',
    '--',
    ...verb,
  ]);
});

test('all of it is read with the right to read and no other', async () => {
  const { asked } = await world();
  const words = helper(await asked((files) => files.whole(narrow, '/lower', verb)));
  expect(words).toContain('--keep=4');
  expect(words).toContain('--seccomp');
  expect(words.filter((word) => word.startsWith('--fs-'))).toEqual([]);
});

test('marks of the overlay are read with it as the root, by the machine’s own', async () => {
  const { asked } = await world();
  const argv = await asked((files) => files.upper(narrow, ['list', '/', '.']));
  expect(argv[1]).toBe(`--root=${paths.containers}/web/upper`);
  expect(argv.some((word) => word.startsWith('--users='))).toBe(false);
  expect(argv).toContain('--keep=200004');
});

test('one without users of its own is given none', async () => {
  const { asked } = await world();
  const argv = await asked((files) => files.atRest(trusted, '/lower', verb));
  expect(argv.slice(10, 12)).toEqual(['0', '65536']);
  expect(argv.some((word) => word.startsWith('--users='))).toBe(false);
});
