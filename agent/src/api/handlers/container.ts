import { VoltError } from '@volt/shared/errors';
import { type AgentMethods, type Handlers, passes } from '@volt/shared/rpc';
import { mayDo, type Caller } from '@volt/shared/server';
import type { Engine, Inspected } from '../../engine/index.ts';
import { beginnings } from './container-begin.ts';
import type { ContainerFilesRow } from './container-files.ts';

type Row = Exclude<Extract<keyof AgentMethods, `container.${string}`>, ContainerFilesRow>;

/** Containers of this node: params in, one call of the engine, result out. */
export function containerHandlers(engine: Engine): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    ...beginnings(engine),
    ...streams(engine),
    'container.stop': async ({ name, grace }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.stop(name, grace, signal);
    },
    'container.restart': async ({ name, grace }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.restart(name, grace, signal);
    },
    'container.delete': async ({ name, force }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.delete(name, force, signal);
    },
    'container.rename': async ({ name, to }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.rename(name, to, signal);
    },
    'container.update': async ({ name, ...change }, { signal }) => {
      await refuseAssigned(engine, name);
      if (Object.keys(change).length === 0) {
        throw new VoltError('USAGE', 'There is nothing to change', {
          hint: `volt container update ${name} --memory 1G`,
        });
      }
      return engine.update(name, change, signal);
    },
    'container.kill': async ({ name, signal: signalName }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.controls.kill(name, signalName, signal);
    },
    'container.pause': async ({ name }, { signal }) => {
      await refuseAssigned(engine, name);
      return engine.controls.pause(name, signal);
    },
    'container.resume': ({ name }, { signal }) => engine.controls.resume(name, signal),
    'container.top': ({ name }) => engine.controls.processes(name),
    'container.stats': ({ names }) => engine.controls.usage(names),
    'container.prune': ({ dryRun }, { signal }) => engine.controls.prune(dryRun, signal),
    'container.list': async ({ filters }) =>
      (await engine.observe())
        .filter(({ status, config }) => passes(filters, status, config.spec.labels))
        .map(({ status }) => status),
    'container.inspect': async ({ name }, { caller }) => {
      const observed = await engine.inspect(name);
      return mayDo(caller, 'container:operate') ? observed : withoutValues(observed);
    },
  };
}

type StreamRow = `container.${'logs' | 'attach' | 'runAttached' | 'exec'}`;

function streams(engine: Engine): Pick<Handlers<AgentMethods, Caller>, StreamRow> {
  return {
    'container.logs': async ({ name, ...wanted }, { signal, emit }) => {
      for await (const line of engine.logs(name, wanted, signal)) await emit(line);
      return {};
    },

    'container.attach': async ({ name, ...watching }, { input, emit, signal }) => ({
      exitCode: await engine.attachments.attach(name, watching, { input, emit }, signal),
    }),
    'container.runAttached': async ({ stdin, columns, rows, ...spec }, { input, emit, signal }) => ({
      exitCode: await engine.attachments.runAttached(spec, { stdin, columns, rows }, { input, emit }, signal),
    }),

    'container.exec': async ({ name, ...request }, { input, emit, signal }) => ({
      exitCode: await engine.exec(name, request, { input, emit }, signal),
    }),
  };
}

/** What the cluster placed here it would place or start again at once; the way to change that is the cluster's. */
async function refuseAssigned(engine: Engine, name: string): Promise<void> {
  const found = (await engine.observe()).find(({ status }) => status.name === name);
  const workload = found?.config.assignment?.workload;
  if (workload === undefined) return;
  throw new VoltError('CONFLICT', `'${name}' belongs to the workload '${workload}' of the cluster`, {
    hint: `volt deploy delete ${workload}, or volt deploy scale ${workload} N`,
  });
}

const HIDDEN = '•••';

/** Environments hold passwords: who may only look learns which variables there are. */
function withoutValues({ config, ...rest }: Inspected): Inspected {
  const spec = { ...config.spec, env: hide(config.spec.env) };
  return { ...rest, config: { ...config, spec, env: hide(config.env) } };
}

const hide = (env: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.keys(env).map((name) => [name, HIDDEN]));
