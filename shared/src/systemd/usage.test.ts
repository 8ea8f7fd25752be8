import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { unitUsage } from './usage.ts';

function kernel(files: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), 'volt-usage-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return { cgroups: `${folder}/cgroup`, proc: `${folder}/proc` };
}

const unit = { name: 'web.service', pid: 7 };

const dev = `Inter-|   Receive                    |  Transmit
 face |bytes    packets errs drop |bytes    packets
    lo:     999       1    0    0    0     0          0         0      999       1    0
 host0:     100       2    0    0    0     0          0         0      200       3    0
`;

test('one hierarchy for all', async () => {
  const group = 'cgroup/system.slice/web.service';
  const folders = kernel({
    [`${group}/cpu.stat`]: 'usage_usec 2500000\nuser_usec 2000000\n',
    [`${group}/memory.current`]: '1048576\n',
    [`${group}/memory.max`]: 'max\n',
    [`${group}/pids.current`]: '3\n',
    [`${group}/io.stat`]: '8:0 rbytes=10 wbytes=20 rios=1\n8:16 rbytes=1 wbytes=2 rios=1\n',
    [`${group}/memory.events`]: 'low 0\noom 2\noom_kill 1\n',
    'proc/7/net/dev': dev,
  });
  expect(await unitUsage(unit, folders)).toEqual({
    cpuUsec: 2_500_000,
    memoryBytes: 1_048_576,
    memoryLimitBytes: null,
    processes: 3,
    readBytes: 11,
    writtenBytes: 22,
    receivedBytes: 100,
    sentBytes: 200,
    oomKills: 1,
  });
});

test('a hierarchy for each controller', async () => {
  const folders = kernel({
    'cgroup/cpuacct/system.slice/web.service/cpuacct.usage': '2500000\n',
    'cgroup/memory/system.slice/web.service/memory.usage_in_bytes': '10\n',
    'cgroup/memory/system.slice/web.service/memory.limit_in_bytes': '64\n',
    'cgroup/memory/system.slice/web.service/memory.oom_control': 'oom_kill_disable 0\noom_kill 4\n',
  });
  expect(await unitUsage(unit, folders)).toMatchObject({
    cpuUsec: 2500,
    memoryBytes: 10,
    memoryLimitBytes: 64,
    oomKills: 4,
    readBytes: null,
  });
});

test('what the kernel does not count is null, and not nothing', async () => {
  const nothing = await unitUsage({ ...unit, pid: null }, kernel({}));
  expect(new Set(Object.values(nothing))).toEqual(new Set([null]));
});
