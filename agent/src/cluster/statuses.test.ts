import { expect, test } from 'vitest';
import { anAssignment } from '@volt/shared/kv/testing';
import type { ContainerState } from '@volt/shared/model';
import { statusesOf } from './statuses.ts';

interface Given {
  readonly wanted?: 'running' | 'gone';
  readonly seen?: { readonly state: ContainerState; readonly generation?: number };
  readonly isBusy?: boolean;
  readonly reason?: string;
}

function check({ wanted = 'running', seen, isBusy = false, reason }: Given, state: string, told: string | null): void {
  const entries = [{ revision: 7, assignment: anAssignment('a', 'web-0', { wanted, generation: 2, token: 3 }) }];
  const common = { instance: 'web-0', workload: 'web', exclusive: false, image: 'web', startedAt: null };
  const observed = seen === undefined ? [] : [{ ...common, generation: 2, address: '10.1.1.2', reason: null, ...seen }];
  const busy = new Set(isBusy ? ['web-0'] : []);
  const reasons = new Map(reason === undefined ? [] : [['web-0', reason]]);
  const [status] = statusesOf('a', { version: 1, token: 3, entries }, { observed, busy, reasons });
  expect(status).toMatchObject({ state, reason: told, generation: 2, token: 3, revision: 7 });
}

test('what runs is told', () => check({ seen: { state: 'running' } }, 'running', null));
test('whether what runs works is told as it was seen, and of another generation not', () => {
  const entries = [{ revision: 7, assignment: anAssignment('a', 'web-0', { generation: 2 }) }];
  const seen = { instance: 'web-0', workload: 'web', exclusive: false, image: 'web', startedAt: null };
  const told = (generation: number) =>
    statusesOf(
      'a',
      { version: 1, token: 3, entries },
      {
        observed: [{ ...seen, generation, state: 'running', health: 'unhealthy', address: null, reason: null }],
        busy: new Set(),
        reasons: new Map(),
      },
    )[0];
  expect(told(2)).toMatchObject({ state: 'running', health: 'unhealthy' });
  expect(told(1)).not.toHaveProperty('health');
});
test('what is not there yet is pending, with the reason', () => check({ reason: 'no image' }, 'pending', 'no image'));
test('what failed says why', () => check({ seen: { state: 'failed' }, reason: 'exit 1' }, 'failed', 'exit 1'));
test('another generation that runs is not told as this one', () =>
  check({ seen: { state: 'running', generation: 1 } }, 'pending', null));
test('what is to be gone and is gone is told as gone', () => check({ wanted: 'gone' }, 'gone', null));
test('what is to be gone and still runs is not gone', () =>
  check({ wanted: 'gone', seen: { state: 'running' } }, 'running', null));
test('what is to be gone while a start is under way is not gone', () =>
  check({ wanted: 'gone', isBusy: true }, 'pending', null));
