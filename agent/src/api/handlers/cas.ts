import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import type { Cas, Follow } from '../../cas/index.ts';
import { newest } from '../newest.ts';
import { bytes } from './bytes.ts';

type Row = Extract<keyof AgentMethods, `cas.${string}`>;

/** What the handlers need of the store as a whole; wire-cas.ts supplies it. */
export interface CasOperations extends Pick<Cas, keyof Cas> {
  build(path: string, name: string | undefined, follow: Follow): Promise<BuiltFolder>;
}

export interface BuiltFolder {
  readonly name: string;
  readonly digest: string;
  readonly files: number;
  readonly sizeBytes: number;
}

/** In base64 well below what one line of a stream may hold. */
const CHUNK_BYTES = 384 * 1024;

export function casHandlers(cas: CasOperations): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'cas.status': (_params, { signal }) => cas.status(signal),
    'cas.verify': (_params, { emit, signal }) => cas.verify({ signal, onProgress: newest(emit) }),
    'cas.repair': ({ digests }, { emit, signal }) => cas.repair(digests, { signal, onProgress: newest(emit) }),
    'cas.gc': ({ dryRun }, { emit, signal }) => cas.collect(dryRun, { signal, onProgress: newest(emit) }),
    'cas.build': ({ path, name }, { emit, signal }) => cas.build(path, name, { signal, onProgress: newest(emit) }),
    'cas.get': async ({ object }, { emit, signal }) => {
      const { digest, contents } = cas.get(object);
      let sizeBytes = 0;
      for await (const chunk of contents) {
        signal.throwIfAborted();
        sizeBytes += chunk.byteLength;
        for (let at = 0; at < chunk.byteLength; at += CHUNK_BYTES) {
          await emit({ data: Buffer.from(chunk.subarray(at, at + CHUNK_BYTES)).toString('base64') });
        }
      }
      return { digest, sizeBytes };
    },
    'cas.put': ({ pin }, { input, emit }) => cas.put(counted(bytes(input), newest(emit)), pin),
    'cas.ls': async ({ object, path, recursive }, call) => sendAll(await cas.ls(object, path, recursive), call),
    'cas.refs': async () => cas.refs(),
    'cas.pin': ({ object }) => cas.pin(object),
    'cas.unpin': async ({ object }) => cas.unpin(object),
    'cas.du': ({ objects }, { signal }) => cas.du(objects, signal),
    'cas.dedup': (_params, { signal }) => cas.dedup(signal),
    'cas.diff': async ({ from, to }, call) => sendAll(await cas.diff(from, to), call),
  };
}

async function sendAll<T>(
  events: Iterable<T>,
  { emit, signal }: { emit: (event: T) => Promise<void>; signal: AbortSignal },
): Promise<Record<string, never>> {
  for (const event of events) {
    signal.throwIfAborted();
    await emit(event);
  }
  return {};
}

const MIB = 1024 * 1024;

/** Tells every mebibyte. */
async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  tell: (progress: { line: string }) => void,
): AsyncGenerator<Uint8Array> {
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    const before = Math.floor(sizeBytes / MIB);
    sizeBytes += chunk.byteLength;
    const now = Math.floor(sizeBytes / MIB);
    if (now > before) tell({ line: `Storing, ${now} MiB so far` });
    yield chunk;
  }
}
