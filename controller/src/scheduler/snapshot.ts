import type { Assignment, InstanceStatus, NodeRecord, NodeState, StoredWorkload } from '@volt/shared/model';

/** All that a decision may rest on, read at one moment. */
export interface Snapshot {
  /** Of the controller that decides. */
  readonly token: number;
  readonly workloads: readonly StoredWorkload[];
  /** Workloads whose spec cannot be read. They are left exactly as they are. */
  readonly unreadable: readonly string[];
  readonly nodes: readonly NodeView[];
  readonly assignments: readonly AssignmentView[];
  readonly statuses: readonly InstanceStatus[];
}

export interface NodeView {
  readonly record: NodeRecord;
  readonly state: NodeState;
  /** From then on it certainly runs no exclusive instance, unless it is heard of again. By the reader's own clock. */
  readonly fencedAtMs: number;
}

export interface AssignmentView extends Assignment {
  /** Of its key. A status tells of exactly one revision. */
  readonly revision: number;
}

/** One change of one key, or the reason why nothing is changed. */
export type Step =
  | {
      readonly kind: 'place';
      readonly workload: StoredWorkload;
      readonly instance: string;
      readonly node: string;
      readonly because: string;
    }
  /** Tell the node to make it gone. */
  | { readonly kind: 'withdraw'; readonly assignment: AssignmentView; readonly because: string }
  /** Remove the key: it is gone, or its node is. */
  | { readonly kind: 'forget'; readonly assignment: AssignmentView; readonly because: string }
  /** Repeat the order with this controller's token. */
  | { readonly kind: 'confirm'; readonly assignment: AssignmentView; readonly because: string }
  /** Remove the spec of a deleted workload of which nothing is left. */
  | { readonly kind: 'remove'; readonly workload: string; readonly because: string }
  | { readonly kind: 'wait'; readonly workload: string; readonly instance: string; readonly because: string };

export const instanceName = (workload: string, index: number): string => `${workload}-${index}`;

/** The index in an instance's name; workloads' names may hold digits and dashes too. */
export const indexOf = (instance: string): number => Number(instance.slice(instance.lastIndexOf('-') + 1));

export const workloadOf = (instance: string): string => instance.slice(0, instance.lastIndexOf('-'));
