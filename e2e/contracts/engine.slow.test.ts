/** The contracts of containers, kept by the real driver and the real systemd of a lab node. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerConfig } from '@volt/shared/model';
import { containerUnit } from '@volt/shared/systemd';
import type { Driver, Gauges, Reach } from '../../agent/src/engine/drivers/driver.ts';
import { config, driverContract } from '../../agent/src/engine/testing.ts';
import type { Systemd } from '../../agent/src/host/index.ts';
import { systemdContract } from '../../agent/src/host/testing.ts';
import type { Network } from '../../agent/src/network/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { REPOSITORY } from '../lab/settings.ts';
import { buildConsole, buildEnter } from '../../scripts/build/enter.ts';
import { Remote, type NodeLowers } from './engine-remote.ts';

const LOWER = '/var/lib/volt/test/lower';
const ARCHIVE = '/var/lib/volt/test/lower.tar';
const { signal } = new AbortController();

let folder = '';
let lab: Lab;
let node: LabNode;
let remote: Remote;
let driver: Driver & Reach & Gauges;
let systemd: Systemd;

/** What the containers of these tests are made of: a few programs of the node, with their libraries. */
const MAKE_LOWER = `
mkdir -p ${LOWER}/bin ${LOWER}/usr ${LOWER}/etc
for program in bash cat chmod echo grep id mv ping sleep stat; do
  file=$(command -v -- /usr/bin/$program); cp "$file" ${LOWER}/bin/
  for library in $(ldd "$file" | grep -o '/[^ ]*'); do
    mkdir -p "${LOWER}$(dirname "$library")"
    cp -n "$library" "${LOWER}$library"
  done
done
ln -sf bash ${LOWER}/bin/sh`;

/** The same as an archive, with a few files for their metadata. */
const MAKE_ARCHIVE = `
cp -a ${LOWER} ${LOWER}.more; cd ${LOWER}.more
mkdir -p data/old; echo public > data/old/public; echo private > data/private; echo public > data/owned
chmod 600 data/private; chown 33:34 data/owned; ln data/owned data/again
tar -C ${LOWER}.more -cf ${ARCHIVE} .`;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'volt-engine-'));
  const bundled = join(folder, 'ports.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, 'engine-on-node.ts')],
    outfile: bundled,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['usocket', 'x11', '@napi-rs/blake-hash', 'blake3'],
    banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
    define: { VOLT_VERSION: '"0.0.0+test"' },
    logLevel: 'silent',
  });
  lab = await openLab({ name: 'volt-engine', nodes: 1 });
  await lab.down();
  await lab.up();
  node = lab.node(1);
  await node.copyIn(process.execPath, '/var/lib/volt/test/node', 0o755);
  await node.copyIn(bundled, '/var/lib/volt/test/ports.mjs');
  await node.copyIn(
    await buildEnter(REPOSITORY, join(REPOSITORY, 'dist/build/cache')),
    '/var/lib/volt/test/enter',
    0o755,
  );
  await node.copyIn(
    await buildConsole(REPOSITORY, join(REPOSITORY, 'dist/build/cache')),
    '/var/lib/volt/test/console',
    0o755,
  );
  await node.copyIn(hashAddon(), '/var/lib/volt/test/blake.node');
  await node.sh(MAKE_LOWER);
  await node.sh(MAKE_ARCHIVE);
  await connect();
});

/** Native code cannot be bundled. */
function hashAddon(): string {
  const fromAgent = createRequire(join(import.meta.dirname, '../../agent/package.json'));
  const fromBlake = createRequire(fromAgent.resolve('@napi-rs/blake-hash'));
  return fromBlake.resolve(`@napi-rs/blake-hash-linux-${process.arch}-gnu`);
}

afterAll(async () => {
  remote?.close();
  await lab?.down();
  await rm(folder, { recursive: true, force: true });
});

async function connect(): Promise<void> {
  const argv = ['/var/lib/volt/test/node', '--disable-warning=ExperimentalWarning', '/var/lib/volt/test/ports.mjs'];
  remote = new Remote(await node.spawn(argv, { stdio: ['pipe', 'pipe', 'inherit'] }));
  driver = remote.port<Driver & Reach & Gauges>('driver');
  systemd = remote.port<Systemd>('systemd');
  await driver.prepare(signal);
  await remote.port<Network>('network').up(signal);
}

async function empty(): Promise<void> {
  for (const { name } of await driver.list()) {
    await driver.stop(name, 0, signal);
    await driver.remove(name);
  }
}

const sleeping: Partial<ContainerConfig> = { command: ['/bin/sleep', '1000000'] };

describe('the nspawn driver', () => {
  driverContract(async () => {
    await empty();
    const broken = config('broken', { command: ['/bin/nosuch'] }, 1);
    return { driver, lower: LOWER, web: config('web', sleeping), broken };
  });
});

describe('systemd', () => {
  systemdContract(async () => {
    await empty();
    const unit = async (name: string, lines: string) => {
      // As often as a test likes: systemd refuses the sixth start in ten seconds.
      const text = `[Unit]\nStartLimitIntervalSec=0\n[Service]\n${lines}\n`;
      await node.writeFile(`/run/systemd/system/${containerUnit(name)}`, text);
      return containerUnit(name);
    };
    const runs = await unit('runs', 'ExecStart=/bin/sleep 1000000');
    const fails = await unit('fails', 'Type=oneshot\nExecStart=/bin/false');
    const deaf = `ExecStart=/bin/bash -c 'trap "" TERM; echo deaf; while :; do sleep 1; done'`;
    const ignoresTerm = await unit(
      'stubborn',
      `Type=notify\nNotifyAccess=all\n${deaf.replace('echo deaf', 'systemd-notify --ready')}`,
    );
    await node.sh(`systemctl stop ${runs}; systemctl reset-failed '${containerUnit('*')}' || true`);
    return { systemd, runs, fails, ignoresTerm };
  });
});

async function running(change: Partial<ContainerConfig> = {}, name = 'web', slot = 0, lower = LOWER) {
  const one = config(name, { ...sleeping, env: { PATH: '/bin' }, ...change }, slot);
  await driver.install(one, lower);
  await driver.start(name, signal);
  return one;
}

async function exec(one: ContainerConfig, script: string, env: Record<string, string> = {}): Promise<string> {
  let shown = '';
  const request = { command: ['/bin/sh', '-c', script], env, tty: false, stdin: false, columns: 80, rows: 24 };
  const emit = async ({ data }: { data: string }) => void (shown += Buffer.from(data, 'base64').toString('utf8'));
  await driver.exec(one, request, { input: (async function* () {})(), emit }, signal);
  return shown.trim();
}

const environments: readonly Record<string, string>[] = [
  { PATH: '/bin', KEY: `it's "s3cret" $HOME %n \\` },
  { PATH: '/bin', KEY: 's3cret "a"\n$b `c` \\', OTHER: '1' },
];

/** What anyone on the node could read. */
const PUBLIC = `
find /var/lib/volt/containers/web /var/lib/volt/units /etc/systemd/system -type f -perm /044 -exec cat {} +
cat /proc/[0-9]*/cmdline | tr '\\0' ' '`;

/** All that a container has outside of itself. */
const TRACES = `
ls -A /run/volt/containers /var/lib/volt/containers /var/lib/volt/units
ip -br link | grep -c volt-c || true
ip netns
findmnt -rno TARGET | grep -cE 'volt/containers|unix-export/volt-' || true
ls /etc/systemd/system/multi-user.target.wants | grep -c volt-container || true`;

describe('a container', () => {
  test('root inside is nobody outside', async () => {
    await empty();
    const one = await running();
    expect(await exec(one, 'id -u; read a b c < /proc/self/uid_map; echo $a $b $c')).toBe('0\n0 655360 65536');
    const { pid } = (await driver.observe('web'))!;
    expect((await node.sh(`grep ^Uid: /proc/${pid}/status`)).trim()).toMatch(/655360\s+655360/);
  });

  test('exec has the privileges of the program, and its cgroup', async () => {
    await empty();
    const one = await running();
    const privileges = 'grep -E "^(Cap(Prm|Eff|Bnd|Amb)|NoNewPrivs)"';
    expect(await exec(one, `${privileges} /proc/self/status`)).toBe(await exec(one, `${privileges} /proc/2/status`));
    const [unit] = await systemd.list([containerUnit('web')]);
    const inside = driver.exec(
      one,
      { command: ['/bin/sleep', '1000'], env: {}, tty: false, stdin: false, columns: 80, rows: 24 },
      { input: (async function* () {})(), emit: async () => undefined },
      signal,
    );
    const cgroup = `/sys/fs/cgroup/system.slice/${containerUnit('web')}/payload/cgroup.procs`;
    await node.sh(`until [ "$(grep -c . '${cgroup}')" -ge 3 ]; do sleep 0.01; done`, { timeoutMs: 10_000 });
    await driver.stop('web', 10, signal);
    expect(await inside).toBe(137);
    expect(unit?.activeState).toBe('active');
  });

  test('its environment arrives whole, with and without line breaks, and is in no public place', async () => {
    for (const env of environments) {
      await empty();
      const one = await running({ env });
      const { pid } = (await driver.observe('web'))!;
      const child = (await node.sh(`cat /proc/${pid}/task/${pid}/children`)).trim();
      const seen = await node.sh(`tr '\\0' '\\1' < /proc/${child}/environ`);
      for (const [name, value] of Object.entries(env)) expect(seen.split('\u0001')).toContain(`${name}=${value}`);
      expect(await exec(one, 'printf %s "$KEY"')).toBe(env.KEY);
      expect(await node.sh(PUBLIC)).not.toContain('s3cret');
    }
  });

  test('its program is the user that the image says', async () => {
    await empty();
    await running({ user: '33:34:4,5' });
    const { pid } = (await driver.observe('web'))!;
    const child = (await node.sh(`cat /proc/${pid}/task/${pid}/children`)).trim();
    const status = await node.sh(`grep -E '^(Uid|Gid|Groups|CapEff)' /proc/${child}/status`);
    expect(status.replaceAll(/\s+/g, ' ')).toMatch(
      /Uid: 655393 .*Gid: 655394 .*Groups: 655364 655365 CapEff: 0000000000000000/,
    );
  });

  test('two reach one another, and the node reaches both', async () => {
    await empty();
    const web = await running();
    await running({}, 'db', 1);
    await node.sh('ping -c1 -W2 10.0.0.2 && ping -c1 -W2 10.0.0.3');
    expect(await exec(web, 'ping -c1 -W2 10.0.0.3')).toContain(' 1 received');
  });

  test('comes back after a power loss, with its files, without an agent', async () => {
    await empty();
    const one = await running();
    await exec(one, 'echo kept > /kept');
    await node.sh('sync');
    remote.close();
    await node.powerLoss();
    await node.boot();
    await node.sh(`until systemctl is-active ${containerUnit('web')}; do sleep 0.05; done`, { timeoutMs: 20_000 });
    await connect();
    expect(await driver.observe('web')).toMatchObject({ state: 'running' });
    expect(await exec(one, 'cat /kept')).toBe('kept');
  });

  test('twenty start side by side, each in its place', async () => {
    await empty();
    const starts = Array.from({ length: 20 }, (_, slot) => running({}, `many-${slot}`, slot));
    await Promise.all(starts);
    expect((await driver.list()).map(({ state }) => state)).toEqual(Array(20).fill('running'));
  });

  test('nothing is left of what was removed', async () => {
    await empty();
    const before = await node.sh(TRACES);
    await running();
    expect(await node.sh(TRACES)).not.toBe(before);
    await empty();
    expect(await node.sh(TRACES)).toBe(before);
  });
});

const ways = ['redirect', 'hardlink', 'copy'] as const;
const layOut = (way: (typeof ways)[number]) => remote.port<NodeLowers>('lowers').make(ARCHIVE, way);

describe('over a lower of each way', () => {
  test.each(ways)('%s: files are whose they are, and give what their modes give', async (way) => {
    await empty();
    const lower = await layOut(way);
    const root = await running({}, 'web', 0, lower);
    const user = await running({ user: '33:34:' }, 'db', 1, lower);
    const about = 'stat -c "%a %u:%g %h %s" /data/private /data/owned /data/old/public';
    const links = way === 'hardlink' ? String.raw`\d+` : '[12]';
    expect(await exec(root, about)).toMatch(
      new RegExp(`^600 0:0 ${links} 8\n644 33:34 ${links} 7\n644 0:0 ${links} 7$`),
    );
    expect(await exec(root, 'cat /data/private')).toBe('private');
    expect(await exec(user, 'cat /data/again /data/old/public')).toBe('public\npublic');
    const tries = 'id -u; cat /data/private 2> /dev/null || echo refused; echo own > /data/owned; cat /data/owned';
    expect(await exec(user, tries)).toBe('33\nrefused\nown');
    expect(await exec(root, 'cat /data/owned')).toBe('public');
  });

  test.each(ways)(
    '%s: what a container changed stays, also when its lower is made again in another way',
    async (way) => {
      await empty();
      const lower = await layOut(way);
      const one = await running({}, 'web', 0, lower);
      await exec(one, 'chmod 640 /data/private; mv /data/old /data/new; echo more >> /data/owned');
      const changed = 'stat -c %a /data/private; cat /data/private /data/new/public /data/owned; echo /data/*';
      const expected = '640\nprivate\npublic\npublic\nmore\n/data/again /data/new /data/owned /data/private';
      expect(await exec(one, changed)).toBe(expected);
      for (const other of [way, ...ways]) {
        await driver.stop('web', 1, signal);
        expect(await layOut(other)).toBe(lower);
        await driver.start('web', signal);
        expect(await exec(one, changed)).toBe(expected);
      }
    },
  );

  test('a lower that does not say how it was made is mounted as it always was', async () => {
    await empty();
    const lower = await layOut('hardlink');
    await node.sh(`rm ${dirname(lower)}/way`);
    const one = await running({}, 'web', 0, lower);
    expect(await exec(one, 'cat /data/old/public')).toBe('public');
    expect(await node.sh('grep volt/containers/web /proc/mounts')).not.toContain('metacopy');
  });

  test('a redirect tree that cannot be mounted fails the start, and says what to do', async () => {
    await empty();
    const lower = await layOut('redirect');
    await node.sh(`echo redirect /var/lib/volt/test/nowhere > ${dirname(lower)}/way`);
    await expect(running({}, 'web', 0, lower)).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: expect.stringContaining('start volt.service') as string,
    });
  });
});
