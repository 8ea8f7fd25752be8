import { hostname, release } from 'node:os';
import {
  type AgentMethods,
  type Handlers,
  type InstanceRow,
  passes,
  type ServiceStatus,
  type VoltEvent,
} from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import { version } from '@volt/shared/program';
import type { Engine, Observed } from '../../engine/index.ts';

type Row = 'system.info' | 'event.watch' | 'instance.list' | 'service.list';

/** What the handlers need to know of the machine; main.ts supplies it. */
export interface NodeFacts {
  /** Its name in the cluster, or its host name. */
  readonly name: () => string;
  readonly cluster: () => string | null;
  readonly systemdVersion: () => Promise<string | null>;
  readonly services: (all: boolean) => Promise<ServiceStatus[]>;
}

export function nodeHandlers(engine: Engine, facts: NodeFacts): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'system.info': async () => ({
      node: facts.name(),
      program: 'voltd',
      version,
      pid: process.pid,
      uptimeSeconds: Math.round(process.uptime()),
      systemd: await facts.systemdVersion(),
      kernel: release(),
      cluster: facts.cluster(),
    }),

    'event.watch': async (_params, { emit, signal }) => {
      for await (const event of events(engine, signal)) await emit(event);
      return {};
    },

    'instance.list': async ({ filters }) =>
      (await engine.observe())
        .map((observed) => instanceRow(observed, facts.name()))
        .filter((row) => passes(filters, row, row.labels)),

    'service.list': ({ all }) => facts.services(all),
  };
}

function instanceRow({ status, config }: Observed, node: string): InstanceRow {
  return {
    name: status.name,
    workload: config.assignment?.workload ?? null,
    node,
    state: status.state,
    ...(status.health === undefined ? {} : { health: status.health, checkedAt: status.checkedAt }),
    address: status.address,
    image: status.image,
    reason: status.reason,
    startedAt: status.startedAt,
    ...(Object.keys(config.spec.labels).length > 0 && { labels: config.spec.labels }),
  };
}

/** The doorbell says only that something may have changed; what did is the difference between two looks. */
async function* events(engine: Engine, signal: AbortSignal): AsyncGenerator<VoltEvent> {
  let before = await statesByName(engine);
  for await (const _ of engine.changes(signal)) {
    const after = await statesByName(engine);
    for (const [name, { state, reason, health }] of after) {
      const known = before.get(name);
      if (known?.state !== state) yield event(`container.${state}`, name, reason);
      const isTold = health === 'healthy' || health === 'unhealthy';
      if (isTold && known?.health !== health) yield event(`container.${health}`, name, null);
    }
    for (const name of before.keys()) if (!after.has(name)) yield event('container.deleted', name, null);
    before = after;
  }
}

async function statesByName(engine: Engine) {
  return new Map((await engine.list()).map((status) => [status.name, status]));
}

const event = (kind: string, name: string, detail: string | null): VoltEvent => ({
  at: new Date().toISOString(),
  kind,
  name,
  detail,
});

/** A node without a cluster is called what its machine is called. */
export const hostNodeName = (): string => hostname().split('.')[0]!;
