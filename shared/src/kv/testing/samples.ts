/** Values of each bucket for tests, as plain as the schemas allow. */
import type { Assignment, InstanceStatus, NodeRecord, StoredWorkload, WorkloadSpecInput } from '../../model/index.ts';
import { WorkloadSpec } from '../../model/index.ts';

const DIGEST = 'a'.repeat(64);
const TIME = '2026-01-01T00:00:00.000Z';

export function aWorkload(name: string, spec: Partial<WorkloadSpecInput> = {}, generation = 1): StoredWorkload {
  return {
    spec: WorkloadSpec.parse({ name, image: 'web', ...spec }),
    generation,
    image: { manifest: DIGEST, tree: DIGEST },
    deletedAt: null,
    updatedAt: TIME,
  };
}

export function anAssignment(node: string, instance: string, more: Partial<Assignment> = {}): Assignment {
  return {
    instance,
    workload: instance.replace(/-\d+$/, ''),
    node,
    generation: 1,
    token: 1,
    wanted: 'running',
    image: { name: 'web', manifest: DIGEST, tree: DIGEST },
    command: [],
    env: {},
    labels: {},
    exclusive: false,
    memoryMiB: 0,
    cpuMillis: 0,
    because: 'test',
    decidedAt: TIME,
    ...more,
  };
}

export function aStatus(node: string, instance: string, more: Partial<InstanceStatus> = {}): InstanceStatus {
  return {
    instance,
    workload: instance.replace(/-\d+$/, ''),
    node,
    state: 'running',
    address: null,
    image: 'web',
    generation: 1,
    token: 1,
    revision: 1,
    reason: null,
    startedAt: TIME,
    observedAt: TIME,
    ...more,
  };
}

export function aNode(name: string, more: Partial<NodeRecord> = {}): NodeRecord {
  return {
    name,
    address: '192.0.2.1',
    subnet: '10.1.1.0/24',
    roles: ['agent'],
    version: '0.1.0',
    memoryMiB: 4096,
    cpuMillis: 4000,
    images: [],
    bootId: 'boot-1',
    certificateUntil: null,
    leaseSeconds: 8,
    fenceSeconds: 15,
    ...more,
  };
}
