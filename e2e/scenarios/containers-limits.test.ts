/** Limits, on a machine whose kernel holds containers to them, and on one whose kernel does not. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ContainerStatus, ContainerUsage } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import { eventually } from '../lab/testing.ts';
import { openTestMachine, type Machine } from '../vm/index.ts';
import { ARCHIVE, idle, inside, inspect, MAKE_ARCHIVE, onOneNode, run, type ContainerDetail } from './one-node.ts';

const BOOT_MS = 8 * 60_000;

describe('a machine that enforces them', () => {
  let machine: Machine;
  const json = async <T>(line: string) => JSON.parse(await machine.sh(`volt -o json ${line}`)) as T;
  const statusOf = async (name: string) => (await json<ContainerDetail>(`container inspect ${name}`)).status;

  beforeAll(async () => {
    machine = await openTestMachine('limits');
    await machine.boot();
    await machine.sh(MAKE_ARCHIVE);
    await machine.sh('volt daemon install');
    await eventually(async () => (await machine.exec(['volt', 'system', 'info'])).code === 0, { timeoutMs: 60_000 });
    await machine.sh(`volt image import limits ${ARCHIVE} --cmd 'sleep infinity'`);
  }, BOOT_MS);
  afterAll(() => machine?.[Symbol.asyncDispose]());

  test(
    'a program that wants more memory than its limit ends, and the limit is named',
    { timeout: BOOT_MS },
    async () => {
      const fill = ['--', 'bash', '-c', 'printf -v x %99999999s; exit'];
      // It may have ended before it is said to have started.
      await machine.exec(['volt', 'run', 'full', 'limits', '--memory', '32M', '--memory-swap', '32M', ...fill]);
      await eventually(async () => (await statusOf('full')).state === 'failed', { timeoutMs: 60_000 });
      expect(await statusOf('full')).toMatchObject({ exitCode: 137, reason: 'out of memory: its limit is 32M' });
    },
  );

  test('limits are changed while it runs, and are written down for the next boot', { timeout: BOOT_MS }, async () => {
    const made = await json<ContainerStatus>('run held limits --memory 64M --cpu 50 --pids 32');
    expect(made.missing).toBeUndefined();
    const limits = () =>
      machine.sh(
        'cd /sys/fs/cgroup/system.slice/volt-container@held.service && cat memory.max cpu.max pids.max cpuset.cpus',
      );
    expect((await limits()).split('\n')).toEqual(['67108864', '50000 100000', '32', '', '']);
    const updated = await json<ContainerStatus>('container update held --memory 96M --cpu 20 --pids 8 --cpuset 0');
    expect(updated.pid).toBe(made.pid);
    const after = ['100663296', '20000 100000', '8', '0', ''];
    expect((await limits()).split('\n')).toEqual(after);

    const [usage] = await json<ContainerUsage[]>('top held --no-stream');
    expect(usage).toMatchObject({ memoryLimitBytes: 96 * 1024 * 1024, memoryBytes: expect.any(Number) });
    const forks = await machine.exec([
      'volt',
      'exec',
      'held',
      '--',
      'bash',
      '-c',
      'for n in {1..20}; do sleep 9 & done',
    ]);
    expect(forks.stderr).toContain('Resource temporarily unavailable');

    // Where the next boot reads them.
    const unit = await machine.sh('cat /etc/systemd/system/volt-container@held.service');
    expect(unit).toContain('\nMemoryMax=100663296\nCPUQuota=20%\nAllowedCPUs=0\nTasksMax=8\n');
  });
});

describe('a node that does not', () => {
  const { image, scenario } = onOneNode('limit');

  scenario('what does not hold is told when it is asked for, and wrong limits change nothing', async (node) => {
    const made = await run(node, 'limit-a', image, {
      command: idle,
      flags: ['--memory', '64M', '--ulimit', 'nofile=100'],
    });
    expect(made.missing).toEqual(["'--memory': its control groups do not count memory"]);
    expect(await inside(node, 'limit-a', 'ulimit -n')).toBe('100\n');
    const updated = await voltJson<ContainerStatus>(node, ['container', 'update', 'limit-a', '--ulimit', 'nofile=50']);
    expect(updated.pid).toBe(made.pid);
    expect(await node.sh(`grep 'open files' /proc/${made.pid}/limits`)).toMatch(/ 50 +50 /);
    for (const flags of [['--memory', '1K'], ['--cpu', '100', '--cpus', '1'], ['--memory', 'much'], []]) {
      expect(await volt(node, ['container', 'update', 'limit-a', ...flags])).toMatchObject({ code: 2, stdout: '' });
    }
    const { config } = await inspect(node, 'limit-a');
    expect(config.spec).toMatchObject({ memory: '64M', ulimits: ['nofile=50'] });
  });

  scenario(
    'what was changed while it ran is what it is started with, and what follows has none of it',
    async (node) => {
      const limitOf = (name: string) => node.sh(`systemctl show -p MemoryMax --value volt-container@${name}`);
      await run(node, 'limit-b', image, idle);
      await voltText(node, ['container', 'update', 'limit-b', '--memory', '64M']);
      expect((await limitOf('limit-b')).trim()).toBe('67108864');
      await voltText(node, ['container', 'stop', 'limit-b']);
      await voltText(node, ['container', 'update', 'limit-b', '--memory', '96M']);
      await voltText(node, ['container', 'start', 'limit-b']);
      expect((await limitOf('limit-b')).trim()).toBe('100663296');
      await voltText(node, ['container', 'update', 'limit-b', '--memory', '128M']);
      await voltText(node, ['container', 'delete', 'limit-b', '--force']);
      await run(node, 'limit-b', image, idle);
      expect((await limitOf('limit-b')).trim()).toBe('infinity');
    },
  );
});
