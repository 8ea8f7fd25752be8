import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ContainerConfig, ContainerStatus, HealthCheck } from '@volt/shared/model';
import type { Engine, Observed } from '../engine/index.ts';
import { Doorbell, type Clock } from '../host/index.ts';
import { MemoryFiles } from '../host/testing.ts';
import { HealthBook } from './book.ts';
import { CHECKS_AT_ONCE_MAX, HealthMonitor } from './monitor.ts';
import type { Answer } from './probe.ts';

const START = Date.parse('2026-01-01T00:00:00.000Z');
const RUN = new Date(START).toISOString();
const FILE = '/run/volt/health/web.json';

const check: HealthCheck = {
  probe: { kind: 'tcp', port: 80 },
  intervalMs: 1000,
  timeoutMs: 1000,
  retries: 2,
  startPeriodMs: 0,
  restart: false,
};

/** Time that goes on when everybody sleeps. */
class DreamClock implements Clock {
  ms = START;
  readonly #sleepers = new Set<{ atMs: number; wake: () => void }>();

  now = () => new Date(this.ms);

  sleep = (ms: number, signal?: AbortSignal): Promise<void> => {
    if (signal?.aborted) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const sleeper = { atMs: this.ms + ms, wake: resolve };
    this.#sleepers.add(sleeper);
    signal?.addEventListener('abort', () => {
      this.#sleepers.delete(sleeper);
      resolve();
    });
    return promise;
  };

  /** Wakes all who sleep until then, in order, and lets each do what it will. */
  async pass(ms: number): Promise<void> {
    const untilMs = this.ms + ms;
    for (;;) {
      await settled();
      const next = [...this.#sleepers].toSorted((a, b) => a.atMs - b.atMs)[0];
      if (next === undefined || next.atMs > untilMs) break;
      this.ms = Math.max(this.ms, next.atMs);
      this.#sleepers.delete(next);
      next.wake();
    }
    this.ms = untilMs;
    await settled();
  }
}

/** Until all that can be done without time has been done. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
}

class Machine {
  readonly clock = new DreamClock();
  readonly files = new MemoryFiles();
  readonly book = new HealthBook(this.files, this.clock);
  readonly containers = new Map<string, Observed>();
  readonly asked: string[] = [];
  readonly failed: string[] = [];
  readonly noted: string[] = [];
  looks = 0;
  answers: (name: string) => Promise<Answer> = async () => ({ isHealthy: true, output: '' });
  readonly bell = new Doorbell();
  readonly over = new AbortController();
  #running = Promise.resolve();

  start(): void {
    const engine: Pick<Engine, 'checked' | 'observe' | 'changes' | 'exec' | 'controls'> = {
      checked: () => [...this.containers.values()].map(({ config }) => config).filter(({ health }) => health),
      observe: async () => {
        this.looks += 1;
        return [...this.containers.values()];
      },
      changes: (signal) => this.bell.wakes(signal),
      exec: async () => 0,
      controls: {
        fail: async (name: string, run: string) => void this.failed.push(`${name}@${run}`),
        note: async (name: string) => void this.noted.push(name),
      } as unknown as Engine['controls'],
    };
    const monitor = new HealthMonitor({
      engine,
      book: this.book,
      clock: this.clock,
      log: { info: () => {}, warn: () => {} },
      chance: () => 0.5,
      ask: async ({ spec: { name } }) => {
        this.asked.push(name);
        return this.answers(name);
      },
    });
    this.#running = monitor.run(this.over.signal);
  }

  put(name: string, how: HealthCheck | null = check, change: Partial<ContainerStatus> = {}): void {
    const config = { spec: { name }, health: how ?? undefined } as ContainerConfig;
    const status = { name, state: 'running', startedAt: RUN, ...change } as ContainerStatus;
    this.containers.set(name, { config, status });
    this.bell.ring();
  }

  state(name: string) {
    const { config, status } = this.containers.get(name)!;
    return this.book.of(config, status)?.state;
  }

  async end(): Promise<void> {
    this.over.abort();
    await this.#running;
  }
}

let machine: Machine;
beforeEach(async () => {
  machine = new Machine();
  await machine.book.load(new Set());
});
afterEach(() => machine.end());

test('while no container is checked, nothing is asked of anybody', async () => {
  machine.put('web', null);
  machine.start();
  await machine.clock.pass(60_000);
  expect({ looks: machine.looks, asked: machine.asked }).toEqual({ looks: 0, asked: [] });
});

test('one that answers is healthy soon, is asked again each interval, and what is known is on disk', async () => {
  machine.put('web');
  machine.start();
  await machine.clock.pass(0);
  expect(machine.state('web')).toBe('starting');
  await machine.clock.pass(250);
  expect(machine.state('web')).toBe('healthy');
  expect(machine.noted).toEqual(['web']);
  await machine.clock.pass(10_000);
  expect(machine.asked.length).toBe(11);
  expect(JSON.parse((await machine.files.read(FILE))!)).toMatchObject({ run: RUN, state: 'healthy' });
});

test('one that fails is unhealthy, told once, and left as it is', async () => {
  machine.answers = async () => ({ isHealthy: false, output: 'no' });
  machine.put('web');
  machine.start();
  await machine.clock.pass(1500);
  expect(machine.state('web')).toBe('starting');
  await machine.clock.pass(10_000);
  expect(machine.state('web')).toBe('unhealthy');
  expect({ noted: machine.noted, failed: machine.failed }).toEqual({ noted: ['web'], failed: [] });
});

test('one that is to be started again then is made to fail, once for a run', async () => {
  machine.answers = async () => ({ isHealthy: false, output: 'no' });
  machine.put('web', { ...check, restart: true });
  machine.start();
  await machine.clock.pass(10_000);
  expect(machine.failed).toEqual([`web@${RUN}`]);
  const next = machine.clock.now().toISOString();
  machine.put('web', { ...check, restart: true }, { startedAt: next });
  await machine.clock.pass(0);
  expect(machine.state('web')).toBe('starting');
  await machine.clock.pass(10_000);
  expect(machine.failed).toEqual([`web@${RUN}`, `web@${next}`]);
});

test.each(['paused', 'stopped', 'starting'] as const)('one that is %s is not asked', async (state) => {
  machine.put('web');
  machine.start();
  await machine.clock.pass(1000);
  machine.put('web', check, { state });
  await machine.clock.pass(0);
  const before = machine.asked.length;
  await machine.clock.pass(10_000);
  expect(machine.asked.length).toBe(before);
  expect(machine.state('web')).toBe(state === 'paused' ? 'unknown' : undefined);
});

test('an answer to a check of a run that is over says nothing', async () => {
  const answer = Promise.withResolvers<Answer>();
  machine.answers = () => answer.promise;
  machine.put('web');
  machine.start();
  await machine.clock.pass(300);
  expect(machine.asked).toEqual(['web']);
  machine.put('web', check, { startedAt: new Date(START + 200).toISOString() });
  await machine.clock.pass(0);
  answer.resolve({ isHealthy: true, output: '' });
  await machine.clock.pass(0);
  expect(machine.state('web')).toBe('starting');
});

test('of many only so many are asked at once, and all in the end', async () => {
  const names = Array.from({ length: 30 }, (_, index) => `web-${index}`);
  let [now, most] = [0, 0];
  machine.answers = async () => {
    now += 1;
    most = Math.max(most, now);
    await machine.clock.sleep(100);
    now -= 1;
    return { isHealthy: true, output: '' };
  };
  for (const name of names) machine.put(name);
  machine.start();
  await machine.clock.pass(1000);
  expect(most).toBe(CHECKS_AT_ONCE_MAX);
  expect(names.map((name) => machine.state(name))).toEqual(names.map(() => 'healthy'));
});

describe('an agent that comes after another', () => {
  test('goes on from what that one knew of the same run, but not when it is late', async () => {
    machine.put('web');
    machine.start();
    await machine.clock.pass(500);
    const { config, status } = machine.containers.get('web')!;
    const next = new HealthBook(machine.files, machine.clock);
    await next.load(new Set(['web']));
    expect(next.of(config, status)).toEqual(machine.book.of(config, status));
    expect(next.of(config, { ...status, startedAt: machine.clock.now().toISOString() })?.state).toBe('starting');
    machine.clock.ms += 60_000;
    expect(next.of(config, status)?.state).toBe('unknown');
  });

  test('clears away what is of no container, or cannot be read', async () => {
    for (const file of ['gone.json', 'web.json', 'web.json.abc.tmp']) {
      await machine.files.write(`/run/volt/health/${file}`, '{', { mode: 0o600 });
    }
    await machine.book.load(new Set(['web']));
    expect(await machine.files.list('/run/volt/health')).toEqual([]);
  });
});

test('what is forgotten leaves no file, also when it is written at that moment', async () => {
  machine.put('web');
  const record = machine.book.open('web', RUN);
  const writing = machine.book.put('web', record);
  await machine.book.forget('web');
  await writing;
  await machine.book.put('web', record);
  expect(await machine.files.list('/run/volt/health')).toEqual([]);
});
