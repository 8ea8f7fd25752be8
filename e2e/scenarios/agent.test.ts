/** The agent as a service of its node: how it starts, obeys signals, remembers who did what, and whom it lets in. */
import { describe, expect } from 'vitest';
import type { ContainerStatus } from '@volt/shared/model';
import { agentMethods, type AnyMethod } from '@volt/shared/rpc';
import type { AuditLine } from '@volt/shared/server';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { idle, inspect, onOneNode, run } from './one-node.ts';

const LOGS = '/var/log/volt';
const SETTINGS = '/etc/volt/config.yaml';
const NOBODY = 65_534;

const { image, scenario } = onOneNode('agent');

const unit = async (node: LabNode, property: string) =>
  (await node.sh(`systemctl show -p ${property} --value volt.service`)).trim();

const agentPid = async (node: LabNode) => Number(await unit(node, 'MainPID'));

const signal = (node: LabNode, name: string) => node.sh(`systemctl kill --signal=${name} volt.service`);

const logSize = async (node: LabNode, file: string) => Number(await node.sh(`wc -l < ${LOGS}/${file}`));

/** Lines of a log after the first so many, as objects. */
async function linesAfter<T>(node: LabNode, file: string, count: number): Promise<T[]> {
  const text = await node.sh(`tail -n +${count + 1} ${LOGS}/${file}`);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

interface LogEntry {
  readonly msg: string;
  readonly calls?: readonly { method: string; caller: string; ageMs: number }[];
  readonly handles?: readonly string[];
  readonly stack?: readonly string[];
}

const dumpsAfter = async (node: LabNode, count: number) =>
  (await linesAfter<LogEntry>(node, 'daemon.log', count)).filter(({ calls }) => calls !== undefined);

describe('as a unit', () => {
  scenario('a request starts it, and its pid file lives as long as it does', async (node) => {
    await node.sh('systemctl stop volt.service');
    expect(await unit(node, 'ActiveState')).toBe('inactive');
    expect((await node.exec(['test', '-e', '/run/volt/volt.pid'])).code).toBe(1);
    expect((await volt(node, ['system', 'info'])).code).toBe(0);
    expect(await unit(node, 'ActiveState')).toBe('active');
    expect(Number(await node.sh('cat /run/volt/volt.pid'))).toBe(await agentPid(node));
    expect((await node.sh('readlink -f /var/run/volt/volt.sock')).trim()).toBe('/run/volt/volt.sock');
  });

  scenario('systemd knows when it is ready, and restarts it when it is stuck', async (node) => {
    expect(await unit(node, 'Type')).toBe('notify');
    expect(await unit(node, 'WatchdogUSec')).toBe('30s');
    const dropIn = '/run/systemd/system/volt.service.d';
    try {
      const impatient = '[Service]\nWatchdogSec=1\nWatchdogSignal=SIGKILL\n';
      await node.writeFile(`${dropIn}/watchdog.conf`, impatient);
      await node.sh('systemctl daemon-reload && systemctl restart volt.service');
      const stuck = await agentPid(node);
      const alive = await unit(node, 'WatchdogTimestampMonotonic');
      await eventually(async () => (await unit(node, 'WatchdogTimestampMonotonic')) !== alive);
      await node.sh(`kill -STOP ${stuck}`);
      await eventually(async () => (await agentPid(node)) !== stuck && (await unit(node, 'ActiveState')) === 'active');
      expect(await unit(node, 'NRestarts')).toBe('1');
    } finally {
      await node.sh(`rm -rf ${dropIn} && systemctl daemon-reload && systemctl restart volt.service`);
    }
    expect((await volt(node, ['ps'])).code).toBe(0);
  });
});

describe('signals', () => {
  scenario('SIGUSR1 writes down what it is busy with', async (node) => {
    await run(node, 'agent-busy', image, idle);
    const from = await logSize(node, 'daemon.log');
    const exec = volt(node, ['exec', 'agent-busy', '-i', '--', 'sleep', '88888']);
    await eventually(async () => (await node.exec(['pgrep', '-fx', 'sleep 88888'])).code === 0);
    await signal(node, 'SIGUSR1');
    const [dump] = await eventually(async () => {
      const dumps = await dumpsAfter(node, from);
      return dumps.length > 0 && dumps;
    });
    await node.sh(`pkill -INT -f '^/usr/local/bin/volt exec agent-busy'`);
    await exec;
    expect(dump!.calls).toEqual([expect.objectContaining({ method: 'container.exec', caller: 'root' })]);
    expect(dump!.handles).toEqual(expect.arrayContaining([expect.stringMatching(/pipe|tcp/)]));
    expect(dump!.stack).toBeInstanceOf(Array);
  });

  scenario('SIGHUP reads the settings again: a good level holds, a bad one changes nothing', async (node) => {
    const dumpShows = async (from: number) => (await dumpsAfter(node, from)).length > 0;
    await node.sh(`[ ! -e ${SETTINGS} ] || cp -p ${SETTINGS} ${SETTINGS}.kept`);
    const pid = await agentPid(node);
    try {
      let from = await logSize(node, 'daemon.log');
      await node.writeFile(SETTINGS, 'log.level: loud\n');
      await signal(node, 'SIGHUP');
      await eventually(async () =>
        (await linesAfter<LogEntry>(node, 'daemon.log', from)).some(({ msg }) => msg.includes('wrong')),
      );
      await node.writeFile(SETTINGS, 'log.level: error\n');
      await node.sh('systemctl reload volt.service');
      // A dump is a warning. Only once the level holds is there none.
      await eventually(async () => {
        from = await logSize(node, 'daemon.log');
        await signal(node, 'SIGUSR1');
        await voltText(node, ['system', 'info']);
        return !(await dumpShows(from));
      });
      await node.writeFile(SETTINGS, 'log.level: info\n');
      await node.sh('systemctl reload volt.service');
      await eventually(async () => {
        await signal(node, 'SIGUSR1');
        return dumpShows(from);
      });
    } finally {
      await node.sh(
        `rm ${SETTINGS}; [ ! -e ${SETTINGS}.kept ] || mv ${SETTINGS}.kept ${SETTINGS}; systemctl reload volt.service`,
      );
    }
    expect(await agentPid(node)).toBe(pid);
  });

  scenario('SIGUSR2 lets go of logs that were renamed', async (node) => {
    await voltText(node, ['container', 'create', 'agent-old', image]);
    const rename = (from: string, to: string) =>
      node.sh(`cd ${LOGS}; for log in daemon audit; do mv $log.${from} $log.${to}; done`);
    const kept = await logSize(node, 'audit.log');
    await rename('log', 'log.1');
    try {
      await signal(node, 'SIGUSR2');
      await eventually(() => node.sh(`test -e ${LOGS}/daemon.log`));
      await voltText(node, ['container', 'create', 'agent-new', image]);
      const [line, ...more] = await linesAfter<AuditLine>(node, 'audit.log', 0);
      expect(line).toMatchObject({ action: 'container.create', resource: 'agent-new' });
      expect(more).toEqual([]);
      expect(await logSize(node, 'audit.log.1')).toBe(kept);
    } finally {
      await node.sh(`cd ${LOGS}; for log in daemon audit; do cat $log.log >> $log.log.1; done`);
      await rename('log.1', 'log');
      await signal(node, 'SIGUSR2');
    }
  });
});

describe('who did what', () => {
  scenario('each change leaves one line, however it ended, and looking leaves none', async (node) => {
    const from = await logSize(node, 'audit.log');
    await run(node, 'agent-trail', image, idle);
    await voltText(node, ['exec', 'agent-trail', '--', 'echo']);
    await inspect(node, 'agent-trail');
    await voltText(node, ['ps']);
    await voltText(node, ['container', 'restart', 'agent-trail']);
    await volt(node, ['container', 'delete', 'agent-trail']);
    await voltText(node, ['container', 'stop', 'agent-trail']);
    await voltText(node, ['container', 'delete', 'agent-trail']);
    const lines = await linesAfter<AuditLine>(node, 'audit.log', from);
    const who = { user: 'root', uid: 0, resource: 'agent-trail' };
    expect(lines).toEqual([
      { ...who, timestamp: expect.any(String) as string, action: 'container.run', result: 'success' },
      { ...who, timestamp: expect.any(String) as string, action: 'container.exec', result: 'success' },
      { ...who, timestamp: expect.any(String) as string, action: 'container.restart', result: 'success' },
      {
        ...who,
        timestamp: expect.any(String) as string,
        action: 'container.delete',
        result: 'failure',
        code: 'CONFLICT',
      },
      { ...who, timestamp: expect.any(String) as string, action: 'container.stop', result: 'success' },
      { ...who, timestamp: expect.any(String) as string, action: 'container.delete', result: 'success' },
    ]);
    expect(lines.every(({ timestamp }) => new Date(timestamp).toISOString() === timestamp)).toBe(true);
    expect((await node.sh(`stat -c '%a %U' ${LOGS}/audit.log`)).trim()).toBe('640 root');
  });
});

describe('who may do what', () => {
  const as = (uid: number, ...groups: string[]) => [
    'env',
    '-u',
    'HOME',
    'setpriv',
    `--reuid=${uid}`,
    `--regid=${NOBODY}`,
    ...(groups.length === 0 ? ['--clear-groups'] : [`--groups=${groups.join(',')}`]),
  ];

  /** What the agent answers somebody, whatever tool they use. Streams that are open are left after a second. */
  const ask = (node: LabNode, method: string, row: AnyMethod) =>
    node.exec([
      ...as(NOBODY),
      ...['curl', '-sS', '--max-time', row.event === undefined ? '20' : '1', '--unix-socket', '/run/volt/volt.sock'],
      ...['-H', `content-type: application/${row.event === undefined ? 'json' : 'x-ndjson'}`],
      ...['-d', `${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} })}\n`],
      `http://volt/${row.event === undefined ? 'rpc' : 'stream'}`,
    ]);

  const rows = Object.entries<AnyMethod>(agentMethods);
  const isRead = ({ permission }: AnyMethod) => permission.endsWith(':read');

  scenario('a stranger on the socket may look, and is refused everything else', async (node) => {
    const before = await voltText(node, ['container', 'list', '-o', 'json']);
    const from = await logSize(node, 'audit.log');
    const answers = await Promise.all(
      rows.map(async ([method, row]) => ({ method, row, answer: await ask(node, method, row) })),
    );
    for (const { method, row, answer } of answers) {
      const refused = /"code":-32005\b/.test(answer.stdout);
      expect({ method, refused }).toEqual({ method, refused: !isRead(row) });
      if (row.event === undefined || refused) expect({ method, code: answer.code }).toEqual({ method, code: 0 });
    }
    expect(answers.filter(({ row }) => isRead(row)).length).toBeGreaterThan(5);

    const lines = await linesAfter<AuditLine>(node, 'audit.log', from);
    const kept = rows.filter(([, row]) => row.audit !== 'none').map(([, row]) => row.audit);
    expect(lines.map(({ action }) => action).sort()).toEqual(kept.sort());
    for (const line of lines) expect(line).toMatchObject({ user: 'nobody', uid: NOBODY, result: 'refused' });
    expect(await voltText(node, ['container', 'list', '-o', 'json'])).toBe(before);
  });

  scenario('the command says so with exit code 5, and what would help', async (node) => {
    const stranger = (...args: string[]) => node.exec([...as(NOBODY), '/usr/local/bin/volt', ...args]);
    expect(await stranger('ps', '-o', 'name')).toMatchObject({ code: 0, stderr: '' });
    expect(await stranger('run', 'agent-no', image)).toEqual({
      code: 5,
      stdout: '',
      stderr:
        "error: 'nobody' may not do this: it needs 'container:operate'\n" +
        "hint: run as root, or as a user in the group 'volt'\n",
    });
    expect((await stranger('image', 'import', 'agent-no', '/etc/hostname')).code).toBe(5);
    expect((await volt(node, ['container', 'inspect', 'agent-no'])).code).toBe(3);
  });

  scenario('a member of the group volt may change things, until they are none', async (node) => {
    await node.sh('useradd --system --groups volt agent-member');
    const uid = Number(await node.sh('id -u agent-member'));
    const gid = (await node.sh('getent group volt | cut -d: -f3')).trim();
    const from = await logSize(node, 'audit.log');
    const create = (name: string, identity: string[]) =>
      node.exec([...identity, '/usr/local/bin/volt', 'container', 'create', name, image]);
    try {
      expect((await create('agent-yes', as(uid, gid))).code).toBe(0);
    } finally {
      await node.sh('userdel agent-member');
    }
    expect((await create('agent-no', as(uid))).code).toBe(5);
    const all = await voltJson<ContainerStatus[]>(node, ['container', 'list']);
    expect(all.map(({ name }) => name).filter((name) => name.startsWith('agent-'))).toEqual(['agent-yes']);
    expect(await linesAfter<AuditLine>(node, 'audit.log', from)).toMatchObject([
      { user: 'agent-member', uid, resource: 'agent-yes', result: 'success' },
      { user: `uid:${uid}`, uid, resource: 'agent-no', result: 'refused' },
    ]);
  });
});
