/** Waiting for what is started until it can be used, and letting fail what cannot. */
import { expect, test } from 'vitest';
import type { ContainerConfig, ContainerHealth, ContainerSpecInput, HealthState } from '@volt/shared/model';
import { MemoryFiles } from '../host/testing.ts';
import { ContainerControls } from './controls.ts';
import type { Healths } from './engine.ts';
import { Known } from './known.ts';
import { Ledger } from './ledger.ts';
import { config, FakeDriver, paths, spec, stillClock } from './testing.ts';

const { signal } = new AbortController();
const AT = '2026-01-01T00:00:00.000Z';
/** As the fake driver starts everything. */
const RUN = AT;
const LONG_MS = 3_600_000;

/** Says of every container that is checked and runs what it was told to. */
class ToldHealths implements Healths {
  state: HealthState = 'starting';
  readonly #listeners = new Set<() => void>();

  of({ health }: ContainerConfig, observed: { state: string } | undefined): ContainerHealth | undefined {
    if (health === undefined || observed?.state !== 'running') return undefined;
    const results = [{ at: AT, isHealthy: false, tookMs: 1, output: 'no database\nexit code 1' }];
    return { state: this.state, since: AT, checkedAt: AT, failures: 1, results };
  }

  forget = async () => {};

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  becomes(state: HealthState): void {
    this.state = state;
    for (const listener of this.#listeners) listener();
  }

  get listeners(): number {
    return this.#listeners.size;
  }
}

const check = {
  probe: { kind: 'tcp' as const, port: 80 },
  intervalMs: 1000,
  timeoutMs: 1000,
  retries: 1,
  startPeriodMs: 0,
  restart: true,
};

async function world({ isChecked = true, ...given }: Partial<ContainerSpecInput> & { isChecked?: boolean } = {}) {
  const [files, driver, healths] = [new MemoryFiles(), new FakeDriver(), new ToldHealths()];
  const ledger = new Ledger(files, paths.containers);
  const web = config('web', { spec: spec('web', given), health: isChecked ? check : undefined });
  await ledger.put(web);
  await driver.install(web, '/lower');
  await driver.start('web', signal);
  const known = new Known(ledger, driver, healths);
  /** Time in which nothing but what the test does happens. */
  const timers: (() => void)[] = [];
  const sleep = (_ms: number, stop?: AbortSignal) =>
    new Promise<void>((resolve) => {
      timers.push(resolve);
      stop?.addEventListener('abort', () => resolve());
    });
  const controls = new ContainerControls({ known, driver, clock: { ...stillClock, sleep }, remove: async () => {} });
  return { controls, driver, healths, timers };
}

test('one that is checked is ready when it is healthy, and not before', async () => {
  const { controls, healths } = await world();
  let isOver = false;
  const waiting = controls.untilHealthy('web', LONG_MS, signal).finally(() => (isOver = true));
  await new Promise((resolve) => setImmediate(resolve));
  expect(isOver).toBe(false);
  healths.becomes('healthy');
  expect(await waiting).toMatchObject({ state: 'running', health: 'healthy', checkedAt: AT });
  expect(healths.listeners).toBe(0);
});

test('one that is not checked is ready as it runs', async () => {
  const { controls } = await world({ isChecked: false });
  expect(await controls.untilHealthy('web', LONG_MS, signal)).toMatchObject({ state: 'running' });
});

test('one that is unhealthy is not waited for, and said why', async () => {
  const { controls, healths } = await world();
  const waiting = controls.untilHealthy('web', LONG_MS, signal);
  healths.becomes('unhealthy');
  await expect(waiting).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: "Container 'web' is unhealthy\n  no database\n  exit code 1",
  });
});

test('one that ends, well or not, is not waited for', async () => {
  for (const [code, said] of [
    [0, 'stopped'],
    [3, 'failed: exit code 3'],
  ] as const) {
    const { controls, driver } = await world();
    const waiting = controls.untilHealthy('web', LONG_MS, signal);
    driver.end('web', code);
    await expect(waiting).rejects.toMatchObject({ code: 'DEPENDENCY', message: `Container 'web' is ${said}` });
  }
});

test('when the time is over, what the last check said is told', async () => {
  const { controls, timers, healths } = await world();
  const waiting = controls.untilHealthy('web', 2000, signal);
  await new Promise((resolve) => setImmediate(resolve));
  timers[0]!();
  await expect(waiting).rejects.toMatchObject({
    code: 'TIMEOUT',
    message: "Container 'web' was not healthy within 2 s\n  no database\n  exit code 1",
  });
  expect(healths.listeners).toBe(0);
});

test('whoever goes away is not kept waiting', async () => {
  const { controls } = await world();
  const over = new AbortController();
  const waiting = controls.untilHealthy('web', LONG_MS, over.signal);
  over.abort();
  await expect(waiting).rejects.toThrow();
  await expect(controls.untilHealthy('ghost', LONG_MS, signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('where its policy is about failures it is made one at once', async () => {
  const { controls, driver } = await world({ restart: 'on-failure' });
  await controls.fail('web', RUN, signal);
  expect(await driver.observe('web')).toMatchObject({ state: 'failed', exitCode: 137 });
});

test('where any end will do it is asked to end first, and made to when it does not', async () => {
  const { controls, driver, timers } = await world({ restart: 'always' });
  const asked: string[] = [];
  driver.kill = async (_name, signalName) => void asked.push(signalName);
  const failing = controls.fail('web', RUN, signal);
  await new Promise((resolve) => setImmediate(resolve));
  expect(asked).toEqual(['SIGTERM']);
  expect(await driver.observe('web')).toMatchObject({ state: 'running' });
  timers[0]!();
  await failing;
  expect(await driver.observe('web')).toMatchObject({ state: 'failed' });
});

test('another run than the unhealthy one is left alone', async () => {
  const { controls, driver } = await world({ restart: 'on-failure' });
  await controls.fail('web', '2026-01-01T00:00:01.000Z', signal);
  expect(await driver.observe('web')).toMatchObject({ state: 'running' });
});
