/** Which node takes an instance: filter, then rank. Pure. */
import type { StoredWorkload } from '@volt/shared/model';
import type { AssignmentView, NodeView } from './snapshot.ts';

/** What is set aside on one node. */
interface Load {
  memoryMiB: number;
  cpuMillis: number;
  instances: number;
  readonly ofWorkload: Map<string, number>;
}

/** The nodes with what is on them, kept up to date while a plan is made. */
export class Loads {
  readonly #nodes: readonly NodeView[];
  readonly #byNode = new Map<string, Load>();

  constructor(nodes: readonly NodeView[], assignments: readonly AssignmentView[]) {
    this.#nodes = nodes;
    for (const { record } of nodes) {
      this.#byNode.set(record.name, { memoryMiB: 0, cpuMillis: 0, instances: 0, ofWorkload: new Map() });
    }
    for (const assignment of assignments) this.#add(assignment.node, assignment.workload, assignment);
  }

  /** The best node and why, or why there is none. What it answers counts from then on. */
  take(workload: StoredWorkload): { node: string; because: string } | { node: undefined; because: string } {
    const { spec, image } = workload;
    const refusals = new Map<string, number>();
    const fitting = this.#nodes.filter((node) => {
      const refusal = this.#refusal(node, workload);
      if (refusal !== undefined) refusals.set(refusal, (refusals.get(refusal) ?? 0) + 1);
      return refusal === undefined;
    });
    const ranked = fitting.map((node) => ({ node, rank: this.#rank(node, workload) }));
    const best = ranked.reduce<(typeof ranked)[number] | undefined>(
      (first, next) => (first === undefined || compare(next.rank, first.rank) < 0 ? next : first),
      undefined,
    );
    if (best === undefined) return { node: undefined, because: this.#noNode(refusals) };
    const { name, images } = best.node.record;
    const others = this.#load(name).ofWorkload.get(spec.name) ?? 0;
    this.#add(name, spec.name, spec);
    const share = others === 0 ? `no other '${spec.name}'` : `only ${others} other of '${spec.name}'`;
    return { node: name, because: images.includes(image.manifest) ? `${share}, has the image` : share };
  }

  #refusal({ record, state }: NodeView, { spec }: StoredWorkload): string | undefined {
    if (spec.nodes.length > 0 && !spec.nodes.includes(record.name)) return 'not among its nodes';
    if (state !== 'ready') return state;
    const { memoryMiB, cpuMillis } = this.#load(record.name);
    if (memoryMiB + spec.memoryMiB > record.memoryMiB) return `without ${spec.memoryMiB} MiB of free memory`;
    if (cpuMillis + spec.cpuMillis > record.cpuMillis) return `without ${spec.cpuMillis} mCPU of free CPU`;
    return undefined;
  }

  /** Smaller is better, the first difference decides. The name makes it repeatable. */
  #rank({ record }: NodeView, { spec, image }: StoredWorkload): (number | string)[] {
    const load = this.#load(record.name);
    const usedShare = (load.memoryMiB + 1) / (record.memoryMiB + 1) + (load.cpuMillis + 1) / (record.cpuMillis + 1);
    return [
      load.ofWorkload.get(spec.name) ?? 0,
      // In tenths, so that a megabyte does not outweigh an image that is already there.
      Math.round(usedShare * 10),
      load.instances,
      record.images.includes(image.manifest) ? 0 : 1,
      record.name,
    ];
  }

  #noNode(refusals: ReadonlyMap<string, number>): string {
    if (this.#nodes.length === 0) return 'the cluster has no node';
    const reasons = [...refusals].map(([reason, count]) => `${count} ${reason}`);
    return `no node can take it: ${reasons.join(', ')}`;
  }

  #add(node: string, workload: string, size: { memoryMiB: number; cpuMillis: number }): void {
    const load = this.#byNode.get(node);
    if (load === undefined) return;
    load.memoryMiB += size.memoryMiB;
    load.cpuMillis += size.cpuMillis;
    load.instances += 1;
    load.ofWorkload.set(workload, (load.ofWorkload.get(workload) ?? 0) + 1);
  }

  #load(node: string): Load {
    return this.#byNode.get(node)!;
  }
}

function compare(a: readonly (number | string)[], b: readonly (number | string)[]): number {
  for (const [at, left] of a.entries()) {
    const right = b[at]!;
    if (left !== right) return left < right ? -1 : 1;
  }
  return 0;
}
