import { expect, test } from 'vitest';
import fc from 'fast-check';
import { containerUnit } from '@volt/shared/systemd';
import { config, fakeHost, nspawnOn, paths } from '../../testing.ts';
import { environmentArguments, renderEnvironmentFile, renderSettings } from './environment.ts';
import { execArguments, execEnvironment } from './exec.ts';
import { parseExitRecord } from './exit-record.ts';
import { numberedInside } from './reach.ts';
import { renderScript } from './script.ts';
import { quoted, renderUnit, vethName } from './unit.ts';
import { SLOTS_MAX } from '../../slots.ts';

const facts = { resolvConf: 'replace-host' } as const;
const request = { command: [], env: {}, tty: false, stdin: false, columns: 80, rows: 24 };

test('a plain unit', () => expect(renderUnit(config('web'), '/lower/tree', paths, facts)).toMatchSnapshot());

test('a unit with all there is', () => {
  const full = config('web-0', {
    command: ['/bin/sh', '-c', 'echo "100 %" $HOME; exit 0'],
    env: { KEY: 'a\nb', LD_PRELOAD: '/x.so' },
    workdir: '/srv/my app',
    user: '33:33:4,5',
    stopSignal: 'SIGQUIT',
    id: 'c0'.repeat(16),
  });
  const always = { ...full, spec: { ...full.spec, restart: 'always' as const } };
  expect(renderUnit(always, '/lower/tree', paths, facts)).toMatchSnapshot();
});

test('a unit of one that boots', () => {
  const plain = config('box', { command: [], stopSignal: 'SIGRTMIN+3' });
  const text = renderUnit({ ...plain, spec: { ...plain.spec, os: true } }, '/lower/tree', paths, facts);
  expect(text).toMatchSnapshot();
  // nspawn's filter is the only one that it has.
  expect(text).not.toMatch(/SYSTEMD_SECCOMP|\/run\/volt\/(?:enter|init)/);
});

test('how it is started again is in its unit', () => {
  const lines = (restart: string, rest: object = {}) => {
    const plain = config('web', rest);
    const text = renderUnit({ ...plain, spec: { ...plain.spec, restart } }, '/lower', paths, facts);
    return text.match(/^(?:StartLimit|Restart=|SuccessExit|TimeoutStop).*/gm);
  };
  const usual = ['SuccessExitStatus=143', 'TimeoutStopSec=90'];
  expect(lines('no')).toEqual(['StartLimitIntervalSec=0', ...usual, 'Restart=no']);
  expect(lines('unless-stopped')).toEqual(['StartLimitIntervalSec=0', ...usual, 'Restart=always']);
  expect(lines('on-failure:3')).toEqual([
    'StartLimitIntervalSec=1d',
    'StartLimitBurst=4',
    ...usual,
    'Restart=on-failure',
  ]);
  expect(lines('no', { stopSignal: 'SIGKILL' })).toContain('SuccessExitStatus=143');
  expect(lines('no', { spec: { ...config('web').spec, stopTimeout: 300 } })).toContain('TimeoutStopSec=300');
});

test('limits are in its unit, and those of each process are nspawn’s', () => {
  const plain = config('web');
  const limited = { ...plain, spec: { ...plain.spec, memory: '64M', cpu: 50, ulimits: ['nofile=10:20'] } };
  const unit = renderUnit(limited, '/lower', paths, facts);
  expect(unit).toContain('\nMemoryMax=67108864\nCPUQuota=50%\n');
  expect(unit).toContain(' --rlimit=RLIMIT_NOFILE=10:20 ');
});

test('limits hold at once where it runs, and those of an earlier run do not outlive it', async () => {
  const host = await fakeHost();
  const asked: (readonly string[])[] = [];
  const programs = {
    ...host.programs,
    run: async (argv: readonly string[]) => {
      asked.push(argv);
      return { code: 0, stdout: '', stderr: '' };
    },
  };
  const facts = { parent: 1, pidInside: 1, user: 0, state: 'S', cpuMillis: 0, memoryBytes: 0, command: '' };
  const processes = { ...host.processes, insideOf: async () => [{ ...facts, pid: 77 }] };
  const driver = nspawnOn({ ...host, programs, processes });
  const plain = config('web');
  const unit = containerUnit('web');
  await driver.install(plain, '/lower');
  const late = `${paths.systemdControl}/${unit}.d/50-MemoryMax.conf`;
  await host.files.makeFolder(`${paths.systemdControl}/${unit}.d`, { mode: 0o755 });
  await host.files.write(late, '', { mode: 0o644 });
  await driver.start('web', new AbortController().signal);
  expect(await host.files.exists(late)).toBe(false);
  await driver.limit({ ...plain, spec: { ...plain.spec, memory: '64M', ulimits: ['nofile=10:20'] } });
  expect(host.systemd.properties.get(unit)).toMatchObject([{ name: 'MemoryMax', value: 67_108_864n }]);
  expect(asked).toEqual([['/usr/bin/prlimit', '--pid=77', '--nofile=10:20']]);
});

test.each([
  [{ 'cgroup.controllers': 'cpu io memory\n' }, ['cpu', 'io', 'memory']],
  [{ 'cgroup.controllers': '\n' }, []],
  [{ 'memory/tasks': '', 'blkio/tasks': '' }, ['memory', 'io']],
])('of the control groups %j', async (files, expected) => {
  const host = await fakeHost();
  for (const [path, text] of Object.entries(files)) {
    const folder = `/sys/fs/cgroup/${path}`.replace(/\/[^/]*$/, '');
    await host.files.makeFolder(folder, { mode: 0o755 });
    await host.files.write(`/sys/fs/cgroup/${path}`, text, { mode: 0o644 });
  }
  expect([...(await nspawnOn(host).controllers())]).toEqual(expected);
});

test('one that was stopped by hand, or is gone after its end, does not start with the machine', async () => {
  const host = fakeHost();
  const isWanted = async (change: object, spec: object) => {
    const plain = config('web', change);
    await nspawnOn(await host).install({ ...plain, spec: { ...plain.spec, ...spec } }, '/lower');
    return (await host).files.exists(`${paths.systemd}/multi-user.target.wants/${containerUnit('web')}`);
  };
  expect(await isWanted({}, {})).toBe(true);
  expect(await isWanted({}, { rm: true })).toBe(false);
  expect(await isWanted({ isStoppedByHand: true }, { restart: 'unless-stopped' })).toBe(false);
  expect(await isWanted({ isStoppedByHand: true }, { restart: 'always' })).toBe(true);
});

test('processes are told as they are numbered inside', () => {
  const facts = { state: 'S', cpuMillis: 5, memoryBytes: 1024, command: 'x' };
  const base = 655_360;
  const found = numberedInside(
    [
      { ...facts, pid: 901, pidInside: 7, parent: 900, user: base + 33 },
      { ...facts, pid: 900, pidInside: 1, parent: 4, user: base, state: 'R' },
      { ...facts, pid: 950, pidInside: 950, parent: 4, user: 0 },
    ],
    { base, size: 65_536 },
  );
  const rest = { cpuMillis: 5, memoryBytes: 1024, command: 'x' };
  expect(found).toEqual([
    { ...rest, pid: 1, parent: 0, user: 0, state: 'running' },
    { ...rest, pid: 7, parent: 1, user: 33, state: 'sleeping' },
  ]);
});

test('the script', () => expect(renderScript(paths)).toMatchSnapshot());

/** Reads a command line as systemd does: C escapes within double quotes, `%%` for a percent sign. */
function words(line: string): string[] {
  const found = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return found.map((word) => {
    const inner = word.startsWith('"') ? word.slice(1, -1) : word;
    return inner
      .replace(/\\x([0-9a-f]{2})|\\(.)/g, (_all, hex: string | undefined, char: string) =>
        hex === undefined ? char : String.fromCharCode(Number.parseInt(hex, 16)),
      )
      .replaceAll('%%', '%');
  });
}

test('any argument list survives the unit file, on one line', () => {
  const argument = fc.string({ unit: 'binary', maxLength: 20 }).filter((text) => !text.includes('\0'));
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 5 }), (argv) => {
      const line = quoted(argv);
      expect(line).not.toMatch(/[\r\n]/);
      expect(words(line)).toEqual(argv);
    }),
  );
});

test('a zero byte and an endless command are refused', () => {
  expect(() => quoted(['a\0b'])).toThrow('zero byte');
  expect(() => quoted(['x'.repeat(200_000)])).toThrow('longer than');
});

test('no value of the environment is in the unit', () => {
  const unit = renderUnit(config('web', { env: { TOKEN: 's3cret', KEY: 's3cret\nb' } }), '/lower', paths, facts);
  expect(unit).not.toContain('s3cret');
});

test('values with quotes are whole in the settings file', () =>
  expect(renderSettings({ A: `it's "so" \\n $HOME %n` })).toBe(
    `[Exec]\nEnvironment="A=it's "'"'"so"'"'" \\n $HOME %n"\n`,
  ));

test('with a line break all values take the other way', () => {
  const env = { A: 'a\nb', B: '$x "y" `z` \\', LD_PRELOAD: '/x.so' };
  expect(renderSettings(env)).toBe('[Exec]\n');
  expect(renderEnvironmentFile(env)).toBe('A="a\nb"\nB="\\$x \\"y\\" \\`z\\` \\\\"\n');
  expect(environmentArguments(env)).toEqual(['--setenv=A', '--setenv=B', '--setenv=LD_PRELOAD=/x.so']);
});

test('too large an environment is refused', () => {
  const env = Object.fromEntries(Array.from({ length: 40 }, (_, n) => [`A${n}`, 'x'.repeat(32_768)]));
  expect(() => renderSettings(env)).toThrow('larger than');
});

test('every cable has a name that the kernel takes', () => expect(vethName(SLOTS_MAX - 1).length).toBeLessThan(16));

test('exec steps into cgroup and namespaces, then down', () =>
  expect(
    execArguments(
      config('web', { user: '33:34:4' }),
      { pid: 42, cgroups: ['/sys/fs/cgroup/p'] },
      { command: ['id', '-u'], tty: false },
      paths,
    ),
  ).toMatchSnapshot());

test('an exec on a terminal has a console that joins the container’s groups, and makes the terminal inside', () => {
  const leader = { pid: 42, cgroups: ['/sys/fs/cgroup/p'] };
  const words = execArguments(config('web'), leader, { command: ['sh'], tty: true }, paths).join(' ');
  expect(words).toContain('/sys/fs/cgroup/p /usr/local/lib/volt/console exec /usr/bin/nsenter');
  expect(words).toMatch(/ --console -- sh$/);
});

test('a console between systemd and nspawn holds what its program writes, and reads', () => {
  const unitOf = (spec: object) => {
    const plain = config('web');
    return renderUnit({ ...plain, spec: { ...plain.spec, ...spec } }, '/lower', paths, facts);
  };
  const console = (how: string) =>
    `/usr/local/lib/volt/console serve /run/volt/containers/web/console /var/lib/volt/containers/web/awaited ${how} ` +
    '655360:655360 /usr/bin/systemd-nspawn';
  const terminal = unitOf({ tty: true });
  expect(terminal).toContain(console('terminal'));
  expect(terminal).toContain('NotifyAccess=all\nDelegateSubgroup=supervisor\n');
  expect(terminal, 'it is that of the session of its first process').toMatch(
    /enter --console .*-- \/run\/volt\/init --/,
  );
  const pipes = unitOf({ interactive: true });
  expect(pipes).toContain(console('pipes'));
  expect(pipes).not.toContain('--console ');
  expect(unitOf({ tty: false })).toBe(unitOf({}));
  expect(unitOf({})).toContain(console('output'));
  const other = { ...config('web'), user: '33:34:4,5' };
  expect(renderUnit(other, '/lower', paths, facts)).toContain(' output 655393:655394 ');
  expect(unitOf({ os: true })).not.toContain('console serve');
  expect(unitOf({ tty: true, without: ['seccomp'] })).toContain('/run/volt/enter --console -- /run/volt/init');
});

test('exec has the environment of the container, without what would steer host programs', () =>
  expect(
    execEnvironment(config('web', { env: { PATH: '/bin', A: '1', LD_PRELOAD: '/x' } }), {
      ...request,
      env: { A: '2' },
    }),
  ).toEqual({
    HOME: '/root',
    PATH: '/bin',
    A: '2',
    container: 'systemd-nspawn',
  }));

test('exec refuses variables that would steer host programs', () =>
  expect(() => execEnvironment(config('web'), { ...request, env: { LD_PRELOAD: '/x' } })).toThrow('cannot be set'));

test.each([
  ['success exited 0', { exitCode: 0, reason: null, isFailure: false, isOutOfMemory: false }],
  ['success exited 143', { exitCode: 143, reason: null, isFailure: false, isOutOfMemory: false }],
  ['exit-code exited 42', { exitCode: 42, reason: 'exit code 42', isFailure: true, isOutOfMemory: false }],
  ['signal killed KILL', { exitCode: 137, reason: 'killed by signal 9', isFailure: true, isOutOfMemory: false }],
  ['oom-kill exited 137', { exitCode: 137, reason: 'out of memory', isFailure: true, isOutOfMemory: true }],
  ['', undefined],
])('the record %j', (text, expected) => expect(parseExitRecord(text)).toEqual(expected));

test('a long grace is given by a file that is gone afterwards', async () => {
  const host = await fakeHost();
  const driver = nspawnOn(host);
  await driver.install(config('web'), '/lower');
  await driver.start('web', new AbortController().signal);
  await driver.stop('web', 600, new AbortController().signal);
  expect(await host.files.list(paths.systemdRuntime)).toEqual([]);
  expect(await driver.observe('web')).toMatchObject({ state: 'stopped' });
});

test('a program that ignores the signal is killed when the grace is over, and has stopped', async () => {
  const host = await fakeHost();
  const driver = nspawnOn(host);
  await driver.install(config('web'), '/lower');
  host.systemd.programs.set(containerUnit('web'), 'ignores TERM');
  await driver.start('web', new AbortController().signal);
  await driver.stop('web', 1, new AbortController().signal);
  expect(await driver.observe('web')).toMatchObject({ state: 'stopped', exitCode: 137 });
});
