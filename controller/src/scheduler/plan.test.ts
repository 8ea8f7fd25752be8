import { expect, test } from 'vitest';
import { aNode, anAssignment, aStatus, aWorkload } from '@volt/shared/kv/testing';
import type { NodeRecord, WorkloadSpecInput } from '@volt/shared/model';
import { plan } from './plan.ts';
import type { AssignmentView, NodeView, Snapshot, Step } from './snapshot.ts';

const node = (name: string, state: NodeView['state'] = 'ready', more: Partial<NodeRecord> = {}): NodeView => ({
  record: aNode(name, more),
  state,
  fencedAtMs: 20_000,
});
const three = [node('a'), node('b'), node('c')];

/** 'a.web-0@2', '!' behind it for wanted gone. */
function assignment(text: string, more: Partial<AssignmentView> = {}): AssignmentView {
  const [, on = '', instance = '', generation = '1', gone] = /^(\w+)\.([\w-]+)(?:@(\d+))?(!)?$/.exec(text)!;
  const wanted = gone === undefined ? ('running' as const) : ('gone' as const);
  return { ...anAssignment(on, instance, { generation: Number(generation), wanted }), revision: 1, ...more };
}

interface Given {
  readonly workloads?: Snapshot['workloads'];
  readonly nodes?: Snapshot['nodes'];
  readonly assignments?: (string | AssignmentView)[];
  /** 'a.web-0:gone', 'a.web-0:running:unhealthy'; the rest of the assignments run. */
  readonly statuses?: string[];
  readonly token?: number;
  readonly nowMs?: number;
  readonly unreadable?: string[];
}

/** The one place that calls plan(), so that a test reads as given → steps. */
function check(given: Given, expected: string): void {
  const assignments = (given.assignments ?? []).map((one) => (typeof one === 'string' ? assignment(one) : one));
  const told = new Map((given.statuses ?? []).map((text) => text.split(/:(.*)/) as [string, string]));
  const statuses = assignments.flatMap(({ node: on, instance, generation }) => {
    const [state, health] = (told.get(`${on}.${instance}`) ?? 'running').split(':') as [
      'running',
      'healthy' | undefined,
    ];
    return (state as string) === 'none' ? [] : [aStatus(on, instance, { generation, state, health })];
  });
  const { workloads = [], nodes = three, token = 1, nowMs = 0, unreadable = [] } = given;
  const steps = plan({ token, workloads, unreadable, nodes, assignments, statuses }, nowMs);
  expect(steps.map(show).join(', ')).toBe(expected);
}

function show(step: Step): string {
  if (step.kind === 'place') return `place ${step.node}.${step.instance}`;
  if (step.kind === 'remove') return `remove ${step.workload}`;
  if (step.kind === 'wait') return `wait ${step.instance} (${step.because})`;
  return `${step.kind} ${step.assignment.node}.${step.assignment.instance}`;
}

const web = (spec: Partial<WorkloadSpecInput> = {}, generation = 1) => [aWorkload('web', spec, generation)];

test('copies are spread over the nodes', () =>
  check({ workloads: web({ replicas: 3 }) }, 'place a.web-0, place b.web-1, place c.web-2'));
test('what runs as wanted is left alone', () =>
  check({ workloads: web({ replicas: 2 }), assignments: ['a.web-0', 'b.web-1'] }, ''));
test('a missing copy is placed where none of its kind is', () =>
  check({ workloads: web({ replicas: 2 }), assignments: ['a.web-0'] }, 'place b.web-1'));
test('scaling down withdraws the highest indexes first', () =>
  check(
    { workloads: web({ replicas: 1 }), assignments: ['a.web-0', 'b.web-1', 'c.web-2'] },
    'withdraw c.web-2, withdraw b.web-1',
  ));
test('a withdrawn copy keeps its key until its node says it is gone', () =>
  check({ assignments: ['a.web-0!'], statuses: ['a.web-0:stopping'] }, "wait web-0 (until it is gone from 'a')"));
test('while a changed copy is not healthy yet, no other is interrupted', () => {
  const [workloads, assignments] = [web({ replicas: 2 }, 2), ['a.web-0@2', 'b.web-1']];
  const waits = 'wait web-1 (spec changed from generation 1 to 2: one at a time)';
  check({ workloads, assignments, statuses: ['a.web-0:running:starting'] }, waits);
  check({ workloads, assignments, statuses: ['a.web-0:running:unhealthy'] }, waits);
  check({ workloads, assignments, statuses: ['a.web-0:running:healthy'] }, 'withdraw b.web-1');
});
test('a copy that is gone is forgotten', () =>
  check({ assignments: ['a.web-0!'], statuses: ['a.web-0:gone'] }, 'forget a.web-0'));
test('gone told of an earlier order does not count', () =>
  check(
    { assignments: [assignment('a.web-0!', { revision: 2 })], statuses: ['a.web-0:gone'] },
    "wait web-0 (until it is gone from 'a')",
  ));
test('a copy on its way out is not placed elsewhere yet', () =>
  check(
    { workloads: web(), assignments: ['a.web-0!'], statuses: ['a.web-0:running'] },
    "wait web-0 (until it is gone from 'a')",
  ));
test('a deleted workload loses its copies, then its spec', () => {
  const deleted = [{ ...aWorkload('web'), deletedAt: '2026-01-01T00:00:00.000Z' }];
  check({ workloads: deleted, assignments: ['a.web-0'] }, 'withdraw a.web-0');
  check({ workloads: deleted }, 'remove web');
});
test('a workload whose spec cannot be read is left alone', () =>
  check({ unreadable: ['web'], assignments: ['a.web-0'] }, ''));

test('a new generation replaces one copy at a time', () =>
  check(
    { workloads: web({ replicas: 2 }, 2), assignments: ['a.web-0', 'b.web-1'] },
    'withdraw a.web-0, wait web-1 (spec changed from generation 1 to 2: one at a time)',
  ));
test('the next copy waits until the replaced one runs', () =>
  check(
    { workloads: web({ replicas: 2 }, 2), assignments: ['a.web-0@2', 'b.web-1'], statuses: ['a.web-0:pending'] },
    'wait web-1 (spec changed from generation 1 to 2: one at a time)',
  ));
test('a copy that does not run is replaced at once', () =>
  check(
    { workloads: web({ replicas: 2 }, 2), assignments: ['a.web-0', 'b.web-1'], statuses: ['b.web-1:failed'] },
    'wait web-0 (spec changed from generation 1 to 2: one at a time), withdraw b.web-1'
      .split(', ')
      .toReversed()
      .join(', '),
  ));
test('a copy that no node can take does not hold up a change that could make it fit', () =>
  check(
    {
      workloads: web({ replicas: 2, memoryMiB: 3000 }, 2),
      nodes: [node('a')],
      assignments: [assignment('a.web-0', { memoryMiB: 3000 })],
    },
    'withdraw a.web-0, wait web-1 (no node can take it: 1 without 3000 MiB of free memory)',
  ));

test('a lost node loses its copies, which are then placed elsewhere', () => {
  const nodes = [node('a', 'lost'), node('b'), node('c')];
  check({ workloads: web(), nodes, assignments: ['a.web-0'] }, 'forget a.web-0');
  check({ workloads: web(), nodes }, 'place b.web-0');
});
test('a node that nobody knows is lost', () => check({ workloads: web(), assignments: ['x.web-0'] }, 'forget x.web-0'));
test('an exclusive copy stays with its lost node until that has certainly stopped it', () => {
  const exclusive = { exclusive: true };
  const given = { workloads: web(exclusive), nodes: [node('a', 'lost'), node('b')] };
  const assignments = [assignment('a.web-0', exclusive)];
  check({ ...given, assignments, nowMs: 19_500 }, "wait web-0 (exclusive, and 'a' may still run it for 1 s)");
  check({ ...given, assignments, nowMs: 20_000 }, 'withdraw a.web-0');
  check({ ...given, assignments: [assignment('a.web-0!', exclusive)], nowMs: 20_000 }, 'forget a.web-0');
});
test('an exclusive copy on a node of which nothing is known stays there', () =>
  check(
    { workloads: web({ exclusive: true }), assignments: [assignment('x.web-0', { exclusive: true })], nowMs: 99_999 },
    "wait web-0 (exclusive, and nothing is known of 'x', which may run it)",
  ));
test('a cordoned node keeps what it has and gets nothing', () =>
  check(
    { workloads: web({ replicas: 2 }), nodes: [node('a', 'cordoned'), node('b')], assignments: ['a.web-0'] },
    'place b.web-1',
  ));

test('a second order for one instance is withdrawn', () =>
  check({ workloads: web(), assignments: ['a.web-0', assignment('b.web-0', { token: 0 })] }, 'withdraw b.web-0'));
test('an order of an earlier leader that its node has not taken is confirmed', () => {
  const assignments = [assignment('a.web-0', { revision: 9 })];
  check({ workloads: web(), assignments, token: 2 }, 'confirm a.web-0');
  check({ workloads: web(), assignments: ['a.web-0'], token: 2 }, '');
});

test('only the nodes that a workload names take it', () =>
  check({ workloads: web({ nodes: ['b'] }) }, 'place b.web-0'));
test('a node without room is passed over', () =>
  check(
    { workloads: web({ memoryMiB: 2000 }), nodes: [node('a', 'ready', { memoryMiB: 1000 }), node('b')] },
    'place b.web-0',
  ));
test('what no node can take waits, and says why', () =>
  check(
    { workloads: web({ memoryMiB: 9000 }), nodes: [node('a'), node('b', 'lost')] },
    'wait web-0 (no node can take it: 1 without 9000 MiB of free memory, 1 lost)',
  ));
test('of equal nodes the one with the image is taken', () =>
  check({ workloads: web(), nodes: [node('a'), node('b', 'ready', { images: ['a'.repeat(64)] })] }, 'place b.web-0'));
test('the emptier node is taken', () =>
  check(
    { workloads: [...web(), aWorkload('db')], nodes: [node('a'), node('b')], assignments: ['a.db-0'] },
    'place b.web-0',
  ));
