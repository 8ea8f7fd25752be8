import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import type { Volumes } from '../../volumes/index.ts';
import { bytes, send } from './bytes.ts';

type Row = Extract<keyof AgentMethods, `volume.${string}`>;

export function volumeHandlers(volumes: Volumes): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'volume.create': (spec) => volumes.create(spec),
    'volume.list': async () => volumes.list(),
    'volume.inspect': ({ name }) => volumes.inspect(name),
    'volume.delete': ({ name }) => volumes.delete(name),
    'volume.prune': ({ dryRun }) => volumes.prune(dryRun),
    'volume.clone': ({ name, to }, { emit, signal }) => volumes.clone(name, to, emit, signal),
    'volume.export': async ({ name }, { emit, signal }) => ({
      sizeBytes: await send(volumes.export(name, signal), emit),
    }),
    'volume.import': (spec, { input, emit, signal }) => volumes.import(spec, bytes(input), emit, signal),
  };
}
