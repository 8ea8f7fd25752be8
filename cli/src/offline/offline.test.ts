import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JournalQuery, Unit, UnitUsage } from '@volt/shared/systemd';
import { expect, onTestFinished, test } from 'vitest';
import { FromSystemd, type Systemd } from './from-systemd.ts';

const unit = (name: string, more: Partial<Unit> = {}): Unit => ({
  name,
  description: `What ${name} does`,
  loadState: 'loaded',
  activeState: 'active',
  subState: 'running',
  result: 'success',
  mainPid: 7,
  exitCode: null,
  startedAtMs: Date.parse('2026-01-01T11:00:00Z'),
  restarts: 0,
  isFrozen: false,
  ...more,
});

const noUsage: UnitUsage = {
  cpuUsec: null,
  memoryBytes: null,
  memoryLimitBytes: null,
  processes: null,
  readBytes: null,
  writtenBytes: null,
  receivedBytes: null,
  sentBytes: null,
  oomKills: null,
};

function offline(units: readonly Unit[], containers: Readonly<Record<string, object>> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'volt-offline-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, config] of Object.entries(containers)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, 'config.json'), JSON.stringify(config));
  }
  const queries: JournalQuery[] = [];
  const systemd: Systemd = {
    async listUnits([pattern]) {
      return units.filter(({ name }) => pattern === '*.service' || name.startsWith('volt-container@'));
    },
    unitUsage: async ({ name }) => ({ ...noUsage, cpuUsec: name.length }),
    async *journal(query) {
      queries.push(query);
      yield { at: new Date('2026-01-01T11:30:00Z'), unit: query.unit, text: 'hello' };
    },
  };
  return {
    queries,
    folder,
    offline: new FromSystemd({ systemd: async () => systemd, folder, healthFolder: folder, node: 'n1' }),
  };
}

const { signal } = new AbortController();

test('nobody claims that something works, but when it was last known is told', async () => {
  const health = { probe: { kind: 'tcp', port: 80 } };
  const units = ['web', 'db', 'plain'].map((name) => unit(`volt-container@${name}.service`));
  const { offline: down, folder } = offline(units, { web: { health }, db: { health }, plain: {}, idle: { health } });
  writeFileSync(join(folder, 'web.json'), JSON.stringify({ results: [{ at: '2026-01-01T11:29:00.000Z' }] }));
  const rows = await down.answers['instance.list']({});
  expect(rows.map(({ name, health: told }) => [name, told ?? '-'])).toEqual([
    ['db', 'unknown'],
    ['idle', '-'],
    ['plain', '-'],
    ['web', 'unknown'],
  ]);
  expect(rows[0]).toMatchObject({ checkedAt: null });
  expect(rows[3]).toMatchObject({ checkedAt: '2026-01-01T11:29:00.000Z' });
});

test('ps joins what is defined with what runs', async () => {
  const config = {
    spec: { image: 'nginx', labels: {} },
    network: { address: '10.0.0.2' },
    assignment: { workload: 'web' },
  };
  const failed = unit('volt-container@db.service', { activeState: 'failed', result: 'exit-code', exitCode: 1 });
  const { offline: down } = offline([unit('volt-container@web-0.service'), failed, unit('ssh.service')], {
    'web-0': config,
    idle: { spec: { image: 'debian' } },
  });
  expect(await down.answers['instance.list']()).toEqual([
    expect.objectContaining({ name: 'db', state: 'failed', reason: 'exit code 1', image: '-' }),
    expect.objectContaining({ name: 'idle', state: 'created', image: 'debian', startedAt: null }),
    {
      name: 'web-0',
      node: 'n1',
      workload: 'web',
      state: 'running',
      address: '10.0.0.2',
      image: 'nginx',
      reason: null,
      startedAt: '2026-01-01T11:00:00.000Z',
    },
  ]);
});

test('what has run is stopped, though systemd has forgotten it', async () => {
  const { offline: down, folder } = offline([], { job: {}, idle: {} });
  writeFileSync(join(folder, 'job', 'exit'), 'success exited 0\n');
  const rows = (await down.answers['instance.list']()).map(({ name, state }) => `${name} ${state}`);
  expect(rows).toEqual(['idle created', 'job stopped']);
});

test('what containers use is read of those that run', async () => {
  const idle = unit('volt-container@idle.service', { activeState: 'inactive' });
  const { offline: down } = offline([unit('volt-container@web.service'), idle]);
  expect(await down.answers['container.stats']({})).toEqual([
    expect.objectContaining({ name: 'web', cpuUsec: 'volt-container@web.service'.length, memoryBytes: null }),
  ]);
  await expect(down.answers['container.stats']({ names: ['ghost'] })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('service list shows what runs, or all', async () => {
  const { offline: down } = offline([
    unit('ssh.service'),
    unit('cron.service', { activeState: 'inactive', subState: 'dead' }),
  ]);
  expect(await down.answers['service.list']({})).toEqual([
    { name: 'ssh', state: 'running', detail: 'running', description: 'What ssh.service does' },
  ]);
  expect(await down.answers['service.list']({ all: true })).toHaveLength(2);
});

test('logs come from the journal of its unit', async () => {
  const { offline: down, queries } = offline([], { web: {} });
  const lines = await Array.fromAsync(down.logs({ name: 'web', follow: false, tail: 3 }, signal));
  expect(lines).toEqual([{ at: '2026-01-01T11:30:00.000Z', name: 'web', text: 'hello' }]);
  expect(queries).toEqual([{ unit: 'volt-container@web.service', follow: false, tail: 3 }]);
});

test('logs of what was never there', async () => {
  const { offline: down, queries } = offline([]);
  await expect(Array.fromAsync(down.logs({ name: 'web', follow: false, tail: 3 }, signal))).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(queries).toEqual([]);
});
