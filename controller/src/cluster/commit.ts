/** Carries out one step of a plan: one key, and only if it is as the plan saw it. */
import { instanceKey, type Kv } from '@volt/shared/kv';
import { type Assignment, type StoredWorkload, workloadContainer } from '@volt/shared/model';
import type { AssignmentView, Step } from '../scheduler/index.ts';

export interface Decision {
  readonly token: number;
  readonly at: Date;
}

/** Resolves once the step is stored. CONFLICT when the world is not what the plan saw. */
export async function commit(kv: Kv, step: Step, { token, at }: Decision): Promise<void> {
  const decidedAt = at.toISOString();
  switch (step.kind) {
    case 'place': {
      const { workload, instance, node, because } = step;
      const assignment = { ...resolve(workload), instance, node, because, token, decidedAt };
      await kv.create('assignments', instanceKey(node, instance), assignment);
      return;
    }
    case 'withdraw':
      return rewrite(kv, step.assignment, { wanted: 'gone', because: step.because, token, decidedAt });
    case 'confirm':
      return rewrite(kv, step.assignment, { token, decidedAt });
    case 'forget': {
      const { node, instance, revision } = step.assignment;
      return kv.delete('assignments', instanceKey(node, instance), revision);
    }
    case 'remove':
      return remove(kv, step.workload);
    case 'wait':
      return;
  }
}

/** The workload's part of an assignment: nothing is left for the agent to choose. */
function resolve({ spec, generation, image }: StoredWorkload) {
  const { name, command, env, labels, exclusive, health, memoryMiB, cpuMillis } = spec;
  return {
    workload: name,
    generation,
    wanted: 'running' as const,
    image: { name: spec.image, ...image },
    command,
    env,
    labels,
    exclusive,
    ...(health === undefined ? {} : { health }),
    ...workloadContainer(spec),
    memoryMiB,
    cpuMillis,
  };
}

async function rewrite(kv: Kv, view: AssignmentView, change: Partial<Assignment>): Promise<void> {
  const { revision, ...assignment } = view;
  await kv.update('assignments', instanceKey(view.node, view.instance), { ...assignment, ...change }, revision);
}

/** Read again, because it may have been applied anew since the plan was made. */
async function remove(kv: Kv, name: string): Promise<void> {
  const entry = await kv.get('workloads', name);
  if (entry?.value?.deletedAt == null) return;
  await kv.delete('workloads', name, entry.revision);
}
