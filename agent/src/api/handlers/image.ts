import type { ImageBuild, ImageDetail, ImageOverrides, ImageStep, ImageSummary } from '@volt/shared/model';
import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import type { Caller } from '@volt/shared/server';
import { bytes, send } from './bytes.ts';

type Row = Extract<keyof AgentMethods, `image.${string}` | `registry.${string}`>;

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
  importTar(request: ImportRequest, onProgress: OnProgress, signal: AbortSignal): Promise<ImageSummary>;
  /** Fetches it from whichever node of the cluster has it, or from the registry that the reference names. */
  pull(request: PullRequest, onProgress: OnProgress, signal: AbortSignal): Promise<ImageSummary>;
  push(request: PushRequest, onProgress: OnProgress, signal: AbortSignal): Promise<PushedImage>;
  export(request: ExportRequest, signal: AbortSignal): AsyncIterable<Uint8Array>;
  inspect(name: string): Promise<ImageDetail>;
  history(name: string): Promise<ImageStep[]>;
  verify(name: string, onProgress: OnProgress, signal: AbortSignal): Promise<VerifiedImage>;
  readonly names: ImageNameOperations;
  readonly registries: RegistryOperations;
}

export interface ImageNameOperations {
  list(): ImageSummary[];
  tag(source: string, target: string): Promise<ImageSummary>;
  untag(name: string): { name: string; removed: boolean };
  delete(name: string): Promise<{ name: string; deleted: boolean }>;
  prune(request: { dryRun: boolean }): Promise<ImageSummary[]>;
}

export interface ImportRequest {
  readonly name: string;
  readonly format: 'auto' | 'oci' | 'docker' | 'rootfs';
  readonly ref?: string | undefined;
  readonly platform?: string | undefined;
  readonly config: ImageOverrides;
  /** The archive as it comes: plain, gzip or zstd. */
  readonly source: AsyncIterable<Uint8Array>;
}

export interface PullRequest {
  readonly reference: string;
  readonly name?: string | undefined;
  readonly platform?: string | undefined;
}

export interface PushRequest {
  readonly name: string;
  readonly reference: string;
  readonly compress: 'none' | 'gzip' | 'zstd';
  readonly mountFrom?: string | undefined;
}

interface PushedImage {
  readonly reference: string;
  readonly digest: string;
}

/** What the handlers need of registries' credentials. */
export interface RegistryOperations {
  login(request: { host: string; username: string; password: string }, signal: AbortSignal): Promise<void>;
  /** Says whether there were any. */
  logout(host: string): boolean;
  list(): KnownRegistry[];
}

interface KnownRegistry {
  readonly host: string;
  readonly username: string | null;
  readonly hasIdentity: boolean;
  readonly insecure: boolean;
  readonly ca: string | null;
  readonly mirrors: string[];
}

export interface ExportRequest {
  readonly name: string;
  readonly format: 'oci' | 'rootfs';
  readonly compress: 'none' | 'gzip' | 'zstd';
}

interface VerifiedImage {
  readonly name: string;
  readonly objects: number;
  readonly sizeBytes: number;
}

export function imageHandlers(images: ImageOperations): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'image.build': (request, { emit, signal }) => images.build(request, emit, signal),
    'image.import': (request, { input, emit, signal }) =>
      images.importTar({ ...request, source: bytes(input) }, emit, signal),
    'image.pull': (request, { emit, signal }) => images.pull(request, emit, signal),
    'image.push': (request, { emit, signal }) => images.push(request, emit, signal),
    'image.export': async (request, { emit, signal }) => ({
      sizeBytes: await send(images.export(request, signal), emit),
    }),
    'image.list': async () => images.names.list(),
    'image.inspect': ({ name }) => images.inspect(name),
    'image.history': ({ name }) => images.history(name),
    'image.tag': ({ source, target }) => images.names.tag(source, target),
    'image.untag': async ({ name }) => images.names.untag(name),
    'image.delete': ({ name }) => images.names.delete(name),
    'image.prune': (request) => images.names.prune(request),
    'image.verify': ({ name }, { emit, signal }) => images.verify(name, emit, signal),
    'registry.login': async (request, { signal }) => {
      await images.registries.login(request, signal);
      return { host: request.host, username: request.username };
    },
    'registry.logout': async ({ host }) => ({ host, forgotten: images.registries.logout(host) }),
    'registry.list': async () => images.registries.list(),
  };
}
