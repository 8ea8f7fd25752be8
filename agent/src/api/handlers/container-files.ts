import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import type { Engine } from '../../engine/index.ts';
import { bytes } from './bytes.ts';

export type ContainerFilesRow = `container.${'look' | 'pack' | 'unpack' | 'diff' | 'export' | 'commit' | 'clone'}`;

/** In base64 well below what one line of a stream may hold. */
const CHUNK_BYTES = 192 * 1024;

/** Files of containers: params in, one call of the engine, result out. */
export function containerFilesHandlers({
  files,
}: Pick<Engine, 'files'>): Pick<Handlers<AgentMethods, Caller>, ContainerFilesRow> {
  return {
    'container.look': ({ name, ...request }, { signal }) => files.look(name, request, signal),
    'container.pack': async ({ name, ...request }, { emit, signal }) => ({
      sizeBytes: await files.pack(name, request, inFrames(emit), signal),
    }),
    'container.unpack': ({ name, ...request }, { input, signal }) =>
      files.unpack(name, { ...request, source: bytes(input) }, signal),
    'container.diff': async ({ name }, { emit, signal }) => ({
      count: await files.changes(name, (changes) => emit({ changes }), signal),
    }),
    'container.export': async ({ name }, { emit, signal }) => ({
      sizeBytes: await files.export(name, inFrames(emit), signal),
    }),
    'container.commit': ({ name, ...request }, { emit, signal }) =>
      files.commit(name, request, (line) => emit({ line }), signal),
    'container.clone': ({ name, ...request }, { signal }) => files.clone(name, request, signal),
  };
}

/** Waits for the caller to take each part, so that no more than one is held for a slow one. */
const inFrames = (emit: (event: { data: string }) => Promise<void>) => async (chunk: Uint8Array) => {
  for (let at = 0; at < chunk.byteLength; at += CHUNK_BYTES) {
    const part = chunk.subarray(at, at + CHUNK_BYTES);
    await emit({ data: Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64') });
  }
};
