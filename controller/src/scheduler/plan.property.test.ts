/** What holds for every plan, against a little model of nodes that do as they are told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { aNode, anAssignment, aStatus, aWorkload } from '@volt/shared/kv/testing';
import type { InstanceStatus, StoredWorkload } from '@volt/shared/model';
import { plan } from './plan.ts';
import { indexOf, type AssignmentView, type NodeView, type Snapshot, type Step } from './snapshot.ts';

const PASS_MS = 1000;
const FENCE_MS = 20_000;

/** The cluster between passes. Nodes that are up obey at once; lost ones keep running what they had, until fenced. */
class Model {
  workloads: StoredWorkload[] = [];
  assignments: AssignmentView[] = [];
  statuses: InstanceStatus[] = [];
  readonly lostAtMs = new Map<string, number>();
  /** `<node>.<instance>` of every container there is. */
  readonly containers = new Set<string>();
  nowMs = 0;
  #revision = 0;
  readonly nodes: readonly string[];

  constructor(nodes: readonly string[]) {
    this.nodes = nodes;
  }

  snapshot(): Snapshot {
    const nodes = this.nodes.map((name): NodeView => {
      const lostAtMs = this.lostAtMs.get(name);
      return {
        record: aNode(name, { memoryMiB: 10_000 }),
        state: lostAtMs === undefined ? 'ready' : 'lost',
        fencedAtMs: (lostAtMs ?? this.nowMs) + FENCE_MS,
      };
    });
    const { workloads, assignments, statuses } = this;
    return { token: 1, workloads, unreadable: [], nodes, assignments, statuses };
  }

  commit(step: Step): void {
    this.#revision += 1;
    const revision = this.#revision;
    if (step.kind === 'place') {
      const { instance, node, workload } = step;
      const { exclusive } = workload.spec;
      const made = anAssignment(node, instance, { generation: workload.generation, exclusive });
      this.assignments.push({ ...made, revision });
    } else if (step.kind === 'remove') {
      this.workloads = this.workloads.filter(({ spec }) => spec.name !== step.workload);
    } else if (step.kind !== 'wait') {
      const others = this.assignments.filter((assignment) => assignment !== step.assignment);
      const changed = { ...step.assignment, wanted: 'gone' as const, revision };
      this.assignments = step.kind === 'withdraw' ? [...others, changed] : others;
    }
  }

  /** Each node that is up makes its containers what its keys say; one whose lease ran out drops its exclusive ones. */
  obey(): void {
    this.nowMs += PASS_MS;
    for (const node of this.nodes) {
      const lostAtMs = this.lostAtMs.get(node);
      if (lostAtMs === undefined) this.#obeyOn(node);
      else if (this.nowMs - lostAtMs >= FENCE_MS - 5000) this.#fence(node);
    }
  }

  #obeyOn(node: string): void {
    const own = this.assignments.filter((assignment) => assignment.node === node);
    for (const key of this.containers) if (key.startsWith(`${node}.`)) this.containers.delete(key);
    this.statuses = this.statuses.filter((status) => status.node !== node);
    for (const { instance, wanted, generation, revision } of own) {
      if (wanted === 'running') this.containers.add(`${node}.${instance}`);
      const state = wanted === 'running' ? 'running' : 'gone';
      this.statuses.push(aStatus(node, instance, { state, generation, revision }));
    }
  }

  #fence(node: string): void {
    for (const key of this.containers) {
      const isExclusive = this.workloads.some(({ spec }) => spec.exclusive && key.startsWith(`${node}.${spec.name}-`));
      if (isExclusive && key.startsWith(`${node}.`)) this.containers.delete(key);
    }
  }

  copies(instance: string): number {
    return [...this.containers].filter((key) => key.endsWith(`.${instance}`)).length;
  }
}

interface Act {
  readonly kind: 'apply' | 'scale' | 'delete' | 'lose' | 'return' | 'pass';
  readonly name: string;
  readonly node: string;
  readonly replicas: number;
  readonly failsAt: number;
}

const act: fc.Arbitrary<Act> = fc.record({
  kind: fc.constantFrom('apply', 'scale', 'delete', 'lose', 'return', 'pass', 'pass', 'pass'),
  name: fc.constantFrom('web', 'db'),
  node: fc.constantFrom('a', 'b', 'c'),
  replicas: fc.integer({ min: 0, max: 4 }),
  // Which step of the pass is lost; mostly none.
  failsAt: fc.constantFrom(0, 1, 2, 99, 99, 99),
});

function perform(model: Model, { kind, name, node, replicas, failsAt }: Act, invariant: () => void): void {
  const present = model.workloads.find(({ spec }) => spec.name === name);
  const put = (workload: StoredWorkload) => {
    model.workloads = [...model.workloads.filter(({ spec }) => spec.name !== name), workload];
  };
  const exclusive = name === 'db';
  if (kind === 'apply') put(aWorkload(name, { replicas, exclusive }, (present?.generation ?? 0) + 1));
  if (kind === 'scale' && present) put({ ...present, spec: { ...present.spec, replicas } });
  if (kind === 'delete' && present) put({ ...present, deletedAt: '2026-01-01T00:00:00.000Z' });
  if (kind === 'lose' && !model.lostAtMs.has(node)) model.lostAtMs.set(node, model.nowMs);
  if (kind === 'return') model.lostAtMs.delete(node);
  pass(model, failsAt, invariant);
}

/** One pass: plan, commit until a step fails, and the nodes obey. Answers the steps. */
function pass(model: Model, failsAt: number, invariant: () => void): Step[] {
  const steps = plan(model.snapshot(), model.nowMs);
  for (const [index, step] of steps.entries()) {
    if (index === failsAt) break;
    model.commit(step);
    // Agents may be as quick as they like.
    if (index % 2 === 0) model.obey();
    invariant();
  }
  model.obey();
  invariant();
  return steps;
}

function atMostOneOrder(model: Model): void {
  const running = model.assignments.map(({ instance }) => instance);
  expect(running.length, 'one key for each instance').toBe(new Set(running).size);
  for (const { instance } of model.assignments.filter(({ exclusive }) => exclusive)) {
    expect(model.copies(instance), `containers of exclusive '${instance}'`).toBeLessThanOrEqual(1);
  }
}

const runs = fc.array(act, { maxLength: 40 });

test('no instance has two orders and no exclusive one two containers, whatever happens', () => {
  fc.assert(
    fc.property(runs, (acts) => {
      const model = new Model(['a', 'b', 'c']);
      for (const one of acts) perform(model, one, () => atMostOneOrder(model));
    }),
    { numRuns: 300 },
  );
});

test('any history converges, and then there is nothing to do', () => {
  fc.assert(
    fc.property(runs, (acts) => {
      const model = new Model(['a', 'b', 'c']);
      for (const one of acts) perform(model, one, () => {});
      model.lostAtMs.delete('a');
      for (let passes = 0; passes < 60; passes += 1) pass(model, 99, () => {});
      expect(plan(model.snapshot(), model.nowMs)).toEqual([]);
      const wanted = model.workloads.flatMap(({ spec }) =>
        Array.from({ length: spec.replicas }, (_, index) => `${spec.name}-${index}`),
      );
      const live = model.assignments.map(({ instance }) => instance);
      expect(live.toSorted()).toEqual(wanted.toSorted());
      for (const { node } of model.assignments)
        expect(model.lostAtMs.has(node), `something on lost '${node}'`).toBe(false);
    }),
    { numRuns: 200 },
  );
});

test('a change of spec never takes down more than one copy that runs', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), (replicas, changes) => {
      const model = new Model(['a', 'b', 'c']);
      model.workloads = [aWorkload('web', { replicas })];
      for (let passes = 0; passes < 5; passes += 1) pass(model, 99, () => {});
      for (let change = 1; change <= changes; change += 1) {
        model.workloads = [aWorkload('web', { replicas }, change + 1)];
        for (let passes = 0; passes < 3 * replicas + 3; passes += 1) {
          pass(model, 99, () => expect(model.containers.size).toBeGreaterThanOrEqual(replicas - 1));
        }
        expect(model.assignments.every(({ generation }) => generation === change + 1)).toBe(true);
      }
    }),
    { numRuns: 50 },
  );
});

test('steps that take away come before steps that add', () => {
  fc.assert(
    fc.property(runs, (acts) => {
      const model = new Model(['a', 'b', 'c']);
      for (const one of acts) perform(model, one, () => {});
      const kinds = plan(model.snapshot(), model.nowMs)
        .filter((step) => step.kind === 'place' || step.kind === 'withdraw')
        .filter((step) => step.kind === 'place' || indexOf(step.assignment.instance) >= 0);
      const firstPlace = kinds.findIndex(({ kind }) => kind === 'place');
      const surplus = kinds.findLastIndex((step) => step.kind === 'withdraw' && step.because === 'no longer wanted');
      if (firstPlace >= 0 && surplus >= 0) expect(surplus).toBeLessThan(firstPlace);
    }),
    { numRuns: 100 },
  );
});
