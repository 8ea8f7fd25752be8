/** Containers whose image is an operating system: its systemd boots, runs services, and shuts down. */
import { afterAll, beforeAll, expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually, openTestLab } from '../lab/testing.ts';
import { holdings, inside, inspect, onOneNode } from './one-node.ts';

const INDEX = 1;
const OS = 'boot-os';
const ARCHIVE = '/var/lib/volt/scenarios/os.tar';

const { image, scenario } = onOneNode('boot', INDEX);

/** The node's own Debian, without what the node is for. A service of its own shows that it runs. */
const MAKE_OS = `
root=$(mktemp -d -p /var/lib/volt)
tar -C / --exclude=./var/lib/volt --exclude=./usr/local --exclude=./etc/volt --exclude='./etc/systemd/system/*volt*' \
  --exclude='./etc/systemd/system/*/*volt*' --exclude='./usr/share/doc/*' --exclude='./usr/share/man/*' \
  --exclude='./usr/share/locale/*' --exclude='./var/log/*' --exclude='./var/cache/*' \
  --exclude='./proc/*' --exclude='./sys/*' --exclude='./dev/*' --exclude='./run/*' --exclude='./tmp/*' -c . |
  tar -C $root -x
: > $root/etc/machine-id
cat > $root/etc/systemd/system/greet.service << 'END'
[Service]
Type=exec
ExecStart=/bin/sh -c 'echo hello from the service > /dev/console; exec sleep infinity'
ExecStop=/bin/sh -c 'echo stopped well > /stopped'
[Install]
WantedBy=multi-user.target
END
ln -s ../greet.service $root/etc/systemd/system/multi-user.target.wants/greet.service
mkdir -p "$(dirname ${ARCHIVE})"
tar -C $root -cf ${ARCHIVE} .
rm -r $root`;

const node = async () => (await openTestLab()).node(INDEX);

beforeAll(async () => {
  await (await node()).sh(MAKE_OS, { timeoutMs: 120_000 });
  await voltText(await node(), ['image', 'import', OS, ARCHIVE]);
});
afterAll(async () => {
  await voltText(await node(), ['image', 'delete', OS]);
  await (await node()).sh(`rm ${ARCHIVE}`);
});

const boot = (on: LabNode, name: string, ...flags: string[]) =>
  voltJson<ContainerStatus>(on, ['run', name, OS, '--boot', ...flags]);

const stateOf = async (on: LabNode, name: string) => (await inspect(on, name)).status.state;

scenario('it runs when all of its services do, and is shut down as a machine is', async (on) => {
  const before = await holdings(on);
  const starting = boot(on, 'boot-whole');
  await eventually(async () => (await stateOf(on, 'boot-whole')) === 'starting', { intervalMs: 5 });
  expect((await starting).state).toBe('running');
  expect(await inside(on, 'boot-whole', 'systemctl is-system-running')).toBe('running\n');
  expect(await inside(on, 'boot-whole', 'cat /proc/1/comm; systemctl is-active greet dbus')).toBe(
    'systemd\nactive\nactive\n',
  );
  expect(await voltText(on, ['logs', 'boot-whole'])).toMatch(/^hello from the service$/m);
  const { address } = (await inspect(on, 'boot-whole')).status;
  await on.sh(`ping -c1 -W2 ${address}`);

  const started = Date.now();
  await voltText(on, ['container', 'stop', 'boot-whole', '--grace', '60']);
  expect(Date.now() - started).toBeLessThan(30_000);
  const { status } = await inspect(on, 'boot-whole');
  expect(status).toMatchObject({ state: 'stopped', exitCode: 0 });
  expect(await on.sh('cat /var/lib/volt/containers/boot-whole/upper/stopped')).toContain('stopped well');

  // It keeps its files, and who it is.
  await voltText(on, ['container', 'start', 'boot-whole']);
  expect(await inside(on, 'boot-whole', 'cat /stopped; test -s /etc/machine-id; echo $?')).toBe('stopped well\n0\n');
  await voltText(on, ['container', 'delete', 'boot-whole', '--force']);
  expect(await holdings(on)).toBe(before);
});

scenario(
  'it is kept apart: users of its own, the filter of nspawn, limits, and less for who comes from outside',
  async (on) => {
    await boot(on, 'boot-apart', '--memory', '512M', '--pids', '200');
    const { config, status, isolation } = await inspect(on, 'boot-apart');
    expect(isolation).toMatchObject({ seccomp: 'nspawn', landlock: null, noNewPrivileges: false });
    const first = await on.sh(`cat /proc/${status.pid}/status /proc/${status.pid}/uid_map`);
    expect(first).toMatch(/^Seccomp:\t2$/m);
    expect(first).toMatch(new RegExp(`^ +0 +${config.userns.base} +${config.userns.size}$`, 'm'));
    const limits = await on.sh('systemctl show -P MemoryMax -P TasksMax volt-container@boot-apart.service');
    expect(limits.split('\n').slice(0, 2)).toEqual([String(512 * 1024 ** 2), '200']);

    // A service of its own may mount; an exec has what programs of other containers have.
    const mount = (where: string) => `mkdir -p ${where}; mount -t tmpfs none ${where}`;
    const own = await volt(on, [
      'exec',
      'boot-apart',
      '--',
      'systemd-run',
      '--wait',
      '-q',
      'sh',
      '-c',
      mount('/mnt/own'),
    ]);
    expect(own.code).toBe(0);
    expect((await volt(on, ['exec', 'boot-apart', '--', 'sh', '-c', mount('/mnt/exec')])).code).not.toBe(0);
    for (const file of [
      '/proc/sys/kernel/core_pattern',
      '/proc/sysrq-trigger',
      '/sys/fs/cgroup/../../kernel/uevent_helper',
    ]) {
      const write = ['systemd-run', '--wait', '-q', 'sh', '-c', `echo x > ${file}`];
      expect((await volt(on, ['exec', 'boot-apart', '--', ...write])).code).not.toBe(0);
    }
  },
);

scenario('a reboot inside starts it again; a power-off ends it', async (on) => {
  await boot(on, 'boot-again');
  const pid = (await inspect(on, 'boot-again')).status.pid;
  await volt(on, ['exec', 'boot-again', '--', 'systemctl', 'reboot']);
  await eventually(
    async () => {
      const { status } = await inspect(on, 'boot-again');
      return status.state === 'running' && status.pid !== null && status.pid !== pid;
    },
    { timeoutMs: 60_000 },
  );
  await volt(on, ['exec', 'boot-again', '--', 'systemctl', 'poweroff']);
  await eventually(async () => (await stateOf(on, 'boot-again')) === 'stopped', { timeoutMs: 30_000 });
});

scenario('what cannot boot is refused, and changes nothing', async (on) => {
  const refused = async (complaint: string, ...words: string[]) => {
    const { code, stderr } = await volt(on, ['run', 'boot-not', ...words]);
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(complaint) });
  };
  await refused('has no systemd to boot', image, '--boot');
  await refused('no other program', OS, '--boot', '--', 'sh');
  await refused("would be root of this machine without 'all'", OS, '--boot', '--without', 'all');
  await refused("'user' is for one program", OS, '--boot', '--user', 'daemon');
  expect((await volt(on, ['container', 'inspect', 'boot-not'])).code).toBe(3);
});
