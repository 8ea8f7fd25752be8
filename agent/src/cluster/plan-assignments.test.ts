import fc from 'fast-check';
import { expect, test } from 'vitest';
import { anAssignment } from '@volt/shared/kv/testing';
import type { ContainerState } from '@volt/shared/model';
import { afterLook, afterTry, DELAY_MS_MAX, delayMs, WELL_AFTER_MS } from './attempts.ts';
import { planAssignments, type NodeStep } from './plan-assignments.ts';
import type { Observed } from './ports.ts';

/** 'web-0@2', '!' behind it for wanted gone, '*' for exclusive. */
function ledgerEntry(text: string) {
  const [, instance = '', generation = '1', marks = ''] = /^([\w-]+?-\d+)(?:@(\d+))?([!*]*)$/.exec(text)!;
  const wanted = marks.includes('!') ? ('gone' as const) : ('running' as const);
  const exclusive = marks.includes('*');
  return {
    revision: 1,
    assignment: anAssignment('a', instance, { generation: Number(generation), wanted, exclusive }),
  };
}

/** 'web-0@2:failed'. */
function observed(text: string): Observed {
  const [, instance = '', generation = '1', mark, state = 'running'] =
    /^([\w-]+?-\d+)(?:@(\d+))?(\*?)(?::(\w+))?$/.exec(text)!;
  return {
    instance,
    workload: 'web',
    generation: Number(generation),
    exclusive: mark === '*',
    state: state as ContainerState,
    image: 'web',
    address: null,
    reason: null,
    startedAt: null,
  };
}

const words = (text: string): string[] => text.split(' ').filter(Boolean);

const show = (step: NodeStep): string =>
  `${step.kind} ${step.kind === 'ensure' ? step.assignment.instance : step.instance}`;

interface Circumstances {
  readonly isFresh?: boolean;
  readonly mayStart?: boolean;
  readonly tries?: number;
}

function check(ledger: string, present: string, expected: string, circumstances: Circumstances = {}): void {
  const { isFresh = true, mayStart = isFresh, tries = 0 } = circumstances;
  const entries = words(ledger).map(ledgerEntry);
  const attempts = new Map(tries === 0 ? [] : [['web-0@1', { tries, nextAtMs: 5000, runningSinceMs: null }]]);
  const view = {
    ledger: { version: 1 as const, token: 1, entries },
    observed: words(present).map(observed),
    lease: { isFresh, mayStart },
    attempts,
  };
  expect(planAssignments(view, 1000).map(show).join(', ')).toBe(expected);
}

test('what runs as assigned is left alone', () => check('web-0', 'web-0', ''));
test('what is missing is started', () => check('web-0', '', 'ensure web-0'));
test('what is not assigned is removed', () => check('', 'web-0', 'remove web-0'));
test('what is to be gone is removed', () => check('web-0!', 'web-0', 'remove web-0'));
test('what is to be gone and is gone needs nothing', () => check('web-0!', '', ''));
test('another generation is removed before it is started', () => check('web-0@2', 'web-0@1', 'remove web-0'));
test('what ended is started again', () => check('web-0', 'web-0:failed', 'ensure web-0'));
test('what is starting is left alone', () => check('web-0', 'web-0:starting', ''));
test('what leaves comes first', () => check('web-0', 'db-0', 'remove db-0, ensure web-0'));
test('what failed waits before it is tried again', () => check('web-0', '', 'hold web-0', { tries: 3 }));
test('another generation does not wait for the failures of the last', () =>
  check('web-0@2', '', 'ensure web-0', { tries: 3 }));

test('an exclusive instance is stopped and kept when the lease has run out', () =>
  check('web-0*', 'web-0*', 'stop web-0', { isFresh: false }));
test('an exclusive instance is not started without a lease', () =>
  check('web-0*', '', 'hold web-0', { isFresh: false }));
test('an exclusive instance is not started before the cluster was asked again', () =>
  check('web-0*', 'web-0*:stopped', 'hold web-0', { mayStart: false }));
test('others go on without a lease', () => check('web-0', '', 'ensure web-0', { isFresh: false }));

test('no step is planned twice for one instance, and obeying leaves nothing to do', () => {
  const name = fc.constantFrom('web-0', 'web-1', 'db-0', 'db-1');
  const generation = fc.constantFrom('@1', '@2');
  const assigned = fc.uniqueArray(fc.tuple(name, generation, fc.constantFrom('', '!', '*')), {
    selector: ([one]) => one,
  });
  const present = fc.uniqueArray(fc.tuple(name, generation, fc.constantFrom('', ':failed', ':stopped')), {
    selector: ([one]) => one,
  });
  fc.assert(
    fc.property(assigned, present, (ledger, containers) => {
      const entries = ledger.map((parts) => ledgerEntry(parts.join('')));
      let here = containers.map((parts) => observed(parts.join('')));
      const view = () => ({
        ledger: { version: 1 as const, token: 1, entries },
        observed: here,
        lease: { isFresh: true, mayStart: true },
        attempts: new Map<string, never>(),
      });
      for (let pass = 0; pass < 2; pass += 1) {
        const steps = planAssignments(view(), 0);
        const names = steps.map((step) => show(step).split(' ')[1]);
        expect(new Set(names).size).toBe(names.length);
        for (const step of steps) {
          const instance = show(step).split(' ')[1]!;
          here = here.filter((one) => one.instance !== instance);
          if (step.kind === 'ensure') here.push(observed(`${instance}@${step.assignment.generation}`));
        }
      }
      expect(planAssignments(view(), 0)).toEqual([]);
    }),
  );
});

test('waiting doubles from a second to a minute', () => {
  expect([1, 2, 3, 6, 7, 50].map(delayMs)).toEqual([1000, 2000, 4000, 32_000, DELAY_MS_MAX, DELAY_MS_MAX]);
});

test('what stays up for a while begins with no failures', () => {
  const tried = afterTry(afterTry(undefined, 0), 0);
  expect(tried).toEqual({ tries: 2, nextAtMs: 2000, runningSinceMs: null });
  const up = afterLook(tried, true, 10_000);
  expect(afterLook(up, true, 10_000 + WELL_AFTER_MS)).toBeUndefined();
  expect(afterLook(afterLook(up, false, 20_000), true, 10_000 + WELL_AFTER_MS)?.tries).toBe(2);
});
