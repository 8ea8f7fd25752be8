import type { ImageBuild, ImageConfig, ImageDetail, ImageSummary } from '@volt/shared/model';
import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';

type Row = Extract<keyof AgentMethods, `image.${string}`>;

/** What long work says on the way. */
export interface Progress {
  readonly line: string;
  readonly done?: number;
  readonly total?: number;
}

/** Resolves when the caller has room for more. */
export type OnProgress = (progress: Progress) => Promise<void>;

/** What the handlers need of images; main.ts supplies it. */
export interface ImageOperations {
  build(request: ImageBuild, onProgress: OnProgress, signal: AbortSignal): Promise<ImageSummary>;
  importTar(request: ImportRequest, signal: AbortSignal): Promise<ImageSummary>;
  /** Fetches it from whichever node of the cluster has it. */
  pull(name: string, onProgress: OnProgress, signal: AbortSignal): Promise<ImageSummary>;
  list(): Promise<ImageSummary[]>;
  inspect(name: string): Promise<ImageDetail>;
  delete(name: string): Promise<{ name: string; deleted: boolean }>;
}

export interface ImportRequest {
  readonly name: string;
  readonly config: ImageConfig;
  /** The archive as it comes: plain, gzip or zstd. */
  readonly source: AsyncIterable<Uint8Array>;
}

export function imageHandlers(images: ImageOperations): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'image.build': (request, { emit, signal }) => images.build(request, emit, signal),
    'image.import': (request, { input, signal }) => images.importTar({ ...request, source: bytes(input) }, signal),
    'image.pull': ({ name }, { emit, signal }) => images.pull(name, emit, signal),
    'image.list': () => images.list(),
    'image.inspect': ({ name }) => images.inspect(name),
    'image.delete': ({ name }) => images.delete(name),
  };
}

type ImportFrame = { kind: 'data'; data: string } | { kind: 'eof' };

/** An archive cut short by a lost connection must not pass for a whole one: only `eof` ends it well. */
async function* bytes(frames: AsyncIterable<ImportFrame>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) {
    if (frame.kind === 'eof') return;
    yield Buffer.from(frame.data, 'base64');
  }
  throw Object.assign(new Error('The archive ended without its end mark'), { name: 'AbortError' });
}
