import { parseDurationMs } from '@volt/shared/lib';
import type { ContainerSpec, ContainerStatus } from '@volt/shared/model';
import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import type { Engine } from '../../engine/index.ts';

type Row = `container.${'create' | 'run' | 'start' | 'wait'}`;

const WAIT_MS = 60_000;
/** Timers of the platform hold no more. */
const FOREVER_MS = 2 ** 31 - 1;

/** Making and starting containers, and waiting for what becomes of them. */
export function beginnings(engine: Engine): Pick<Handlers<AgentMethods, Caller>, Row> {
  const untilReady = (name: string, time: string | undefined, signal: AbortSignal) =>
    engine.controls.untilHealthy(name, (time === undefined ? undefined : parseDurationMs(time)) ?? WAIT_MS, signal);
  return {
    'container.create': async (spec, { signal }) => withMissing(engine, spec, await engine.create(spec, signal)),
    'container.run': async ({ wait, waitTimeout, ...spec }, { signal }) => {
      const made = withMissing(engine, spec, await engine.run(spec, signal));
      return wait ? { ...made, ...(await untilReady(spec.name, waitTimeout, signal)) } : made;
    },
    'container.start': async ({ name, wait, waitTimeout }, { signal }) => {
      const started = await engine.start(name, signal);
      return wait ? untilReady(name, waitTimeout, signal) : started;
    },
    'container.wait': async ({ name, condition }, { signal }) => {
      if (condition === 'ended') return { exitCode: await engine.controls.wait(name, signal) };
      await engine.controls.untilHealthy(name, FOREVER_MS, signal);
      return { exitCode: 0 };
    },
  };
}

/** Whoever asks for a container is told at once what it does without. */
function withMissing(engine: Engine, spec: ContainerSpec, status: ContainerStatus): ContainerStatus {
  const missing = [...engine.missing(spec), ...(status.missing ?? [])];
  return missing.length === 0 ? status : { ...status, missing };
}
