import { expect, test } from 'vitest';
import type { Systemd } from './systemd.ts';

export interface SystemdWorld {
  readonly systemd: Systemd;
  /** Units whose program runs until it is stopped, fails at once, and ignores TERM. */
  readonly runs: string;
  readonly fails: string;
  readonly ignoresTerm: string;
}

/** What every Systemd promises. `makeWorld` answers with one whose three units are stopped. */
export function systemdContract(makeWorld: () => Promise<SystemdWorld>): void {
  const job = { signal: new AbortController().signal, timeoutMs: 20_000 };
  const stateOf = async ({ systemd }: SystemdWorld, unit: string) =>
    (await systemd.list([unit])).map(({ activeState }) => activeState);

  test('a started unit is active, also when started twice', async () => {
    const world = await makeWorld();
    await world.systemd.start(world.runs, job);
    await world.systemd.start(world.runs, job);
    expect(await stateOf(world, world.runs)).toEqual(['active']);
  });

  test('a stopped unit is not active, also when stopped twice', async () => {
    const world = await makeWorld();
    await world.systemd.start(world.runs, job);
    await world.systemd.stop(world.runs, job);
    await world.systemd.stop(world.runs, job);
    expect(await stateOf(world, world.runs)).not.toContain('active');
  });

  test('a unit that fails to start is a dependency, and can be forgotten', async () => {
    const world = await makeWorld();
    await expect(world.systemd.start(world.fails, job)).rejects.toMatchObject({ code: 'DEPENDENCY' });
    expect(await world.systemd.list([world.fails])).toMatchObject([{ activeState: 'failed', result: 'exit-code' }]);
    await world.systemd.resetFailed(world.fails);
    expect(await stateOf(world, world.fails)).not.toContain('failed');
  });

  test('starting an unknown unit is NOT_FOUND; all else of it succeeds', async () => {
    const { systemd } = await makeWorld();
    await expect(systemd.start('volt-container@ghost.service', job)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await systemd.stop('volt-container@ghost.service', job);
    await systemd.kill('volt-container@ghost.service', 9);
    await systemd.resetFailed('volt-container@ghost.service');
  });

  test('a kill ends a stop that hangs', async () => {
    const { systemd, ignoresTerm } = await makeWorld();
    await systemd.start(ignoresTerm, job);
    const stopping = systemd.stop(ignoresTerm, job);
    await systemd.kill(ignoresTerm, 9);
    await stopping;
    expect(await systemd.list([ignoresTerm])).toMatchObject([{ activeState: 'failed', exitCode: 137 }]);
  });

  test('an aborted job is not waited for', async () => {
    const { systemd, runs } = await makeWorld();
    await expect(systemd.start(runs, { ...job, signal: AbortSignal.abort() })).rejects.toThrow();
  });

  test('the doorbell rings when a unit changes, and ends with its signal', async () => {
    const world = await makeWorld();
    const stop = new AbortController();
    const bell = world.systemd.changes('volt-container@', stop.signal)[Symbol.asyncIterator]();
    const rung = bell.next();
    // Listening begins in its own time; each change may come before it, the last one does not.
    const heard = new AbortController();
    void rung.then(() => heard.abort());
    while (!heard.signal.aborted) {
      await world.systemd.start(world.runs, job);
      await world.systemd.stop(world.runs, job);
    }
    expect(await rung).toEqual({ done: false, value: undefined });
    stop.abort();
    for (;;) if ((await bell.next()).done === true) break;
  });
}
