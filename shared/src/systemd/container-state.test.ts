import { expect, test } from 'vitest';
import { containerOfUnit, containerState, containerUnit, failureOf } from './container-state.ts';
import { exitCodeOf } from './units.ts';

const check = (activeState: string, expected: string) =>
  expect(containerState({ activeState, startedAtMs: 1 })).toBe(expected);

test('active', () => check('active', 'running'));
test('reloading', () => check('reloading', 'running'));
test('activating', () => check('activating', 'starting'));
test('deactivating', () => check('deactivating', 'stopping'));
test('failed', () => check('failed', 'failed'));
test('frozen', () => expect(containerState({ activeState: 'active', startedAtMs: 1, isFrozen: true })).toBe('paused'));
test('inactive after a run', () => check('inactive', 'stopped'));
test('a word that systemd may add', () => check('unheard-of', 'stopped'));
test('inactive and never run', () =>
  expect(containerState({ activeState: 'inactive', startedAtMs: null })).toBe('created'));
test('not loaded and never run', () => expect(containerState(undefined)).toBe('created'));
test('not loaded after a run', () => expect(containerState(undefined, true)).toBe('stopped'));

const failed = (result: string, exitCode: number | null) => failureOf({ activeState: 'failed', result, exitCode });

test('an exit code is a reason', () => expect(failed('exit-code', 42)).toBe('exit code 42'));
test('a signal is a reason', () => expect(failed('signal', 137)).toBe('killed by signal 9'));
test('memory is a reason', () => expect(failed('oom-kill', 137)).toBe('out of memory'));
test('a result without words of ours is shown as it is', () => expect(failed('watchdog', null)).toBe('watchdog'));
test('one that was started often enough says with what it ended', () =>
  expect(failed('start-limit-hit', 3)).toBe('exit code 3, and was started often enough'));
test('what waits to be started again says why, and how often that was', () => {
  const waiting = { activeState: 'activating', subState: 'auto-restart', restarts: 4 };
  expect(failureOf({ ...waiting, result: 'exit-code', exitCode: 3 })).toBe(
    'keeps ending: exit code 3, restarted 4 times',
  );
  expect(failureOf({ ...waiting, subState: 'start', result: 'success', exitCode: null })).toBeNull();
});
test('what has not failed has no reason', () =>
  expect(failureOf({ activeState: 'inactive', result: 'exit-code', exitCode: 1 })).toBeNull());

test('an exit is its code', () => expect(exitCodeOf(1, 42)).toBe(42));
test('a kill is 128 and the signal', () => expect(exitCodeOf(2, 15)).toBe(143));
test('before the first end there is no code', () => expect(exitCodeOf(0, 0)).toBeNull());

test('a container is found by its unit', () => expect(containerOfUnit(containerUnit('web-0'))).toBe('web-0'));
test.each(['volt.service', 'volt-container@.service', 'volt-container@-x.service', 'volt-container@a/b.service'])(
  '%s is no container',
  (unit) => expect(containerOfUnit(unit)).toBeUndefined(),
);
