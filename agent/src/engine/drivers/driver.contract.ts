import { expect, test } from 'vitest';
import type { ContainerConfig } from '@volt/shared/model';
import type { ExecRequest } from '../engine.ts';
import type { Driver, Gauges, Reach } from './driver.ts';

export interface DriverWorld {
  readonly driver: Driver & Reach & Gauges;
  /** A read-only tree that has /bin/echo and what the configs run. */
  readonly lower: string;
  /** Not installed; its program runs until it is stopped. */
  readonly web: ContainerConfig;
  /** Not installed; its program is missing. */
  readonly broken: ContainerConfig;
}

/**
 * What every driver promises. Unit tests run it against the fake, e2e/ against
 * the real one on a lab node, so that the fake cannot drift from the truth.
 */
export function driverContract(makeWorld: () => Promise<DriverWorld>): void {
  const { signal } = new AbortController();
  const states = async ({ driver }: DriverWorld) => (await driver.list()).map(({ name, state }) => `${name} ${state}`);

  async function running(): Promise<DriverWorld> {
    const world = await makeWorld();
    await world.driver.install(world.web, world.lower);
    await world.driver.start('web', signal);
    return world;
  }

  test('what is installed is created, however often', async () => {
    const world = await makeWorld();
    await world.driver.install(world.web, world.lower);
    await world.driver.install(world.web, world.lower);
    expect(await states(world)).toEqual(['web created']);
  });

  test('starting twice leaves one running container', async () => {
    const world = await running();
    await world.driver.start('web', signal);
    expect(await states(world)).toEqual(['web running']);
    expect(await world.driver.observe('web')).toMatchObject({ pid: expect.any(Number), exitCode: null, reason: null });
  });

  test('installing what runs does not disturb it', async () => {
    const world = await running();
    const before = await world.driver.observe('web');
    await world.driver.install(world.web, world.lower);
    expect(await world.driver.observe('web')).toEqual(before);
  });

  test('a program that is missing fails the start, and the container says why', async () => {
    const world = await makeWorld();
    await world.driver.install(world.broken, world.lower);
    await expect(world.driver.start('broken', signal)).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: expect.stringContaining("Container 'broken' did not start: exit code 127"),
    });
    expect(await world.driver.observe('broken')).toMatchObject({
      state: 'failed',
      exitCode: 127,
      reason: 'exit code 127',
    });
  });

  test('a stopped container is stopped, with how it ended', async () => {
    const world = await running();
    await world.driver.stop('web', 10, signal);
    await world.driver.stop('web', 10, signal);
    expect(await world.driver.observe('web')).toMatchObject({
      state: 'stopped',
      pid: null,
      exitCode: 143,
      reason: null,
    });
  });

  test('a stopped container starts again', async () => {
    const world = await running();
    await world.driver.stop('web', 10, signal);
    await world.driver.start('web', signal);
    expect(await states(world)).toEqual(['web running']);
  });

  test('removing leaves nothing, and may be repeated', async () => {
    const world = await running();
    await world.driver.stop('web', 10, signal);
    await world.driver.remove('web');
    await world.driver.remove('web');
    expect(await states(world)).toEqual([]);
    expect(await world.driver.observe('web')).toBeUndefined();
  });

  test('stopping and removing what never was succeeds', async () => {
    const world = await makeWorld();
    await world.driver.stop('ghost', 0, signal);
    await world.driver.remove('ghost');
    expect(await states(world)).toEqual([]);
  });

  test('a paused container is paused, a resumed one runs', async () => {
    const world = await running();
    await world.driver.pause('web');
    expect(await states(world)).toEqual(['web paused']);
    await world.driver.resume('web');
    expect(await states(world)).toEqual(['web running']);
  });

  test('KILL ends a container, also a paused one, and is no failure', async () => {
    const world = await running();
    await world.driver.pause('web');
    await world.driver.kill('web', 'SIGKILL', signal);
    expect(await world.driver.observe('web')).toMatchObject({ state: 'stopped', exitCode: 137, reason: null });
  });

  test('another signal reaches its program', async () => {
    const world = await running();
    await world.driver.kill('web', 'SIGTERM', signal);
    while ((await world.driver.observe('web'))?.state !== 'stopped') await new Promise(setImmediate);
    expect(await world.driver.observe('web')).toMatchObject({ exitCode: 143 });
  });

  test('its first process is 1, and what it uses is counted', async () => {
    const world = await running();
    expect((await world.driver.processes(world.web))[0]).toMatchObject({ pid: 1, parent: 0, user: 0 });
    expect(await world.driver.usage()).toMatchObject([{ name: 'web', cpuUsec: expect.any(Number) }]);
    await world.driver.stop('web', 10, signal);
    expect(await world.driver.usage()).toEqual([]);
    await expect(world.driver.processes(world.web)).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  const request: ExecRequest = { command: [], env: {}, tty: false, stdin: false, columns: 80, rows: 24 };

  async function exec({ driver, web }: DriverWorld, command: string[]): Promise<{ code: number; shown: string }> {
    let shown = '';
    const io = {
      input: (async function* () {})(),
      emit: async ({ stream, data }: { stream: string; data: string }) => {
        if (stream === 'stdout') shown += Buffer.from(data, 'base64').toString('utf8');
      },
    };
    return { code: await driver.exec(web, { ...request, command }, io, signal), shown };
  }

  test('exec carries output and code, and knows what is missing', async () => {
    const world = await running();
    expect(await exec(world, ['/bin/echo', 'hello', 'there'])).toEqual({ code: 0, shown: 'hello there\n' });
    expect(await exec(world, ['/bin/nosuch'])).toEqual({ code: 127, shown: '' });
  });

  test('exec into what does not run is CONFLICT', async () => {
    const world = await makeWorld();
    await world.driver.install(world.web, world.lower);
    await expect(exec(world, ['/bin/echo'])).rejects.toMatchObject({ code: 'CONFLICT' });
  });

  test('the doorbell rings when a container changes', async () => {
    const world = await makeWorld();
    await world.driver.install(world.web, world.lower);
    const stop = new AbortController();
    const bell = world.driver.changes(stop.signal)[Symbol.asyncIterator]();
    const heard = new AbortController();
    const rung = bell.next().finally(() => heard.abort());
    while (!heard.signal.aborted) {
      await world.driver.start('web', signal);
      await world.driver.stop('web', 10, signal);
    }
    expect(await rung).toEqual({ done: false, value: undefined });
    stop.abort();
    for (;;) if ((await bell.next()).done === true) break;
  });
}
