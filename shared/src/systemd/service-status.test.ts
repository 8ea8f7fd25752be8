import { expect, test } from 'vitest';
import { serviceStatuses } from './service-status.ts';
import type { Unit } from './units.ts';

const unit = (activeState: string): Unit => ({
  name: 'ssh.service',
  description: 'Secure shell',
  loadState: 'loaded',
  activeState,
  subState: 'dead',
  result: 'success',
  mainPid: null,
  exitCode: null,
  startedAtMs: null,
  restarts: 0,
  isFrozen: false,
});

test.each([
  ['active', 'running'],
  ['reloading', 'running'],
  ['activating', 'starting'],
  ['deactivating', 'stopping'],
  ['failed', 'failed'],
  ['maintenance', 'maintenance'],
])('%s is shown as %s', (activeState, state) => {
  expect(serviceStatuses([unit(activeState)], false)).toEqual([
    { name: 'ssh', state, detail: 'dead', description: 'Secure shell' },
  ]);
});

test('those that are stopped are shown to who asks for them', () => {
  expect(serviceStatuses([unit('inactive')], false)).toEqual([]);
  expect(serviceStatuses([unit('inactive')], true)).toMatchObject([{ state: 'stopped' }]);
});
