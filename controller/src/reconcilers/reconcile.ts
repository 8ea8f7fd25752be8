/**
 * One pass of the controller: snapshot, plan, commit. Takes no hint of what
 * changed and does not retry: the next pass sees the world as it then is.
 */
import { toVoltError, VoltError } from '@volt/shared/errors';
import type { Clock, Kv } from '@volt/shared/kv';
import { commit, readNodes, readSnapshot, type Sightings } from '../cluster/index.ts';
import type { Leadership } from '../leader/index.ts';
import { plan, type Step } from '../scheduler/index.ts';
import type { ControllerLog } from './ports.ts';

export interface PassPorts {
  readonly kv: Kv;
  readonly clock: Clock;
  readonly leadership: Leadership;
  readonly sightings: Sightings;
  readonly log: ControllerLog;
}

/** Answers whether there may be more to do at once. Throws when the cluster cannot be read. */
export async function reconcile(ports: PassPorts, signal: AbortSignal): Promise<'again' | 'idle'> {
  const { kv, clock, leadership, sightings } = ports;
  const token = leadership.token();
  if (token === undefined) {
    // Followers only keep count, so that whoever leads next need not begin to.
    await readNodes(kv, clock, sightings);
    return 'idle';
  }
  const snapshot = await readSnapshot(kv, clock, sightings, token);
  const changes = plan(snapshot, clock.monotonicMs()).filter(({ kind }) => kind !== 'wait');
  for (const step of changes) {
    if (signal.aborted || leadership.token() !== token) return 'idle';
    if (!(await tryCommit(step, token, ports))) return 'idle';
  }
  return changes.length > 0 ? 'again' : 'idle';
}

/** False when the rest of the plan is to be dropped. */
async function tryCommit(step: Step, token: number, { kv, clock, leadership, log }: PassPorts): Promise<boolean> {
  try {
    await commit(kv, step, { token, at: clock.now() });
    log.info('Decided', { token, ...describe(step) });
    return true;
  } catch (thrown) {
    const { code, message } = toVoltError(thrown);
    // It may still happen, at any time. A higher token makes it harmless.
    if (isOutcomeUnknown(thrown)) leadership.doubt();
    log.warn('A decision was not stored; the next pass decides anew', { token, code, message, ...describe(step) });
    return false;
  }
}

function isOutcomeUnknown(thrown: unknown): boolean {
  return !(thrown instanceof VoltError) || !['CONFLICT', 'RESOURCE', 'PERMISSION'].includes(thrown.code);
}

function describe(step: Step): Record<string, unknown> {
  const { kind, because } = step;
  switch (step.kind) {
    case 'place':
      return { kind, instance: step.instance, node: step.node, because };
    case 'remove':
      return { kind, workload: step.workload, because };
    case 'wait':
      return { kind, instance: step.instance, because };
    default:
      return { kind, instance: step.assignment.instance, node: step.assignment.node, because };
  }
}
