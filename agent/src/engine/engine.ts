/**
 * What the rest of the agent asks of containers. The RPC handlers and the
 * cluster's loop use this and nothing below it.
 *
 * One operation runs at a time for a name, in the order they were asked for;
 * different names run side by side. Every method that takes a signal stops
 * waiting when it fires and throws INTERRUPTED; what systemd was already asked
 * to do goes on, and the next call sees how it ended.
 */
import type {
  ContainerConfig,
  ContainerHealth,
  ContainerProcess,
  ContainerSpec,
  ContainerStatus,
  ContainerUsage,
  Enforced,
  ImageConfig,
  ImageStep,
  ImageSummary,
  ContainerChange,
  Mount,
} from '@volt/shared/model';
import type { ExecInput, ExecOutput, LogLine } from '@volt/shared/rpc';
import type { ContainerLogs } from '@volt/shared/systemd';
import type { VoltError } from '@volt/shared/errors';
import type { FileOperations } from './files/file-operations.ts';
import type { Tree } from '../store/index.ts';
import type { z } from 'zod';
import type { Watching } from './terminal/index.ts';

/** What people ask of containers: the method rows. */
export interface Containers {
  /** Defines a container. A taken name is ALREADY_EXISTS, an unknown image NOT_FOUND; either changes nothing. */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus>;

  /** Creates and starts. When only the start fails, the container stays, so that its logs can be read. */
  run(spec: ContainerSpec, signal: AbortSignal): Promise<ContainerStatus>;

  /** Resolves once its program runs, or has run to a good end. Throws DEPENDENCY with its last lines otherwise. */
  start(name: string, signal: AbortSignal): Promise<ContainerStatus>;

  /** Resolves once it is down. One that is down already is left alone. Without a grace, its own is used. */
  stop(name: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<ContainerStatus>;

  restart(name: string, graceSeconds: number | undefined, signal: AbortSignal): Promise<ContainerStatus>;

  /** Removes it and its files. An absent one is not an error; a running one is CONFLICT unless forced. */
  delete(name: string, force: boolean, signal: AbortSignal): Promise<{ name: string; deleted: boolean }>;

  /** Every container of this node by name, as systemd tells it at this moment. */
  list(): Promise<ContainerStatus[]>;

  inspect(name: string): Promise<Inspected>;

  /** What is asked for to keep it apart, and this machine cannot enforce. */
  missing(spec: ContainerSpec): string[];

  /** Ends after the last line there is, or with `follow` when the signal fires. */
  logs(name: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;

  /** Runs a program inside and resolves with its exit code: 127 when there is no such program, 128 + n for signal n. */
  exec(name: string, request: ExecRequest, io: ExecIo, signal: AbortSignal): Promise<number>;
}

/** How containers that are there become others. */
export interface Changes {
  /** Gives one that is down another name. CONFLICT when it runs, ALREADY_EXISTS when somebody has that name. */
  rename(name: string, to: string, signal: AbortSignal): Promise<ContainerStatus>;

  /** Changes what is given, of one that runs at once; the rest stays. What is wrong with one changes nothing. */
  update(name: string, change: ContainerChange, signal: AbortSignal): Promise<ContainerStatus>;
}

/** What people ask of containers that are there. */
export interface Controls {
  /** Sends its program a signal. KILL ends it for good, whatever its restart policy. CONFLICT when it does not run. */
  kill(name: string, signalName: string, signal: AbortSignal): Promise<ContainerStatus>;

  /** Reach all of its processes still. One that is paused is left alone; one that does not run is CONFLICT. */
  pause(name: string, signal: AbortSignal): Promise<ContainerStatus>;
  resume(name: string, signal: AbortSignal): Promise<ContainerStatus>;

  /** Resolves with its exit code once it has ended, and will not be started again by itself. */
  wait(name: string, signal: AbortSignal): Promise<number>;

  /**
   * Resolves once it runs and, where that is checked, is healthy. DEPENDENCY with its last words when it is unhealthy
   * or has ended, TIMEOUT when it is neither in time.
   */
  untilHealthy(name: string, timeoutMs: number, signal: AbortSignal): Promise<ContainerStatus>;

  /** Lets a run that is unhealthy fail, so that its restart policy has it. A later run is left alone. */
  fail(name: string, run: string, signal: AbortSignal): Promise<void>;

  /** Brings state.json up to date. */
  note(name: string, signal: AbortSignal): Promise<void>;

  /** What runs inside, as it is numbered inside. CONFLICT when nothing does. */
  processes(name: string): Promise<ContainerProcess[]>;

  /** What those that run use at this moment; of all when no name is given. */
  usage(names: readonly string[]): Promise<ContainerUsage[]>;

  /** Deletes those that have ended, but not what the cluster placed here. A dry run only tells which. */
  prune(isDryRun: boolean, signal: AbortSignal): Promise<ContainerStatus[]>;

  /** Deletes those that asked for it as they end. Runs until the signal fires. */
  tend(signal: AbortSignal): Promise<void>;
}

/** Staying with a container's program: what it prints, what it is sent, and how it ends. */
export interface Attachments {
  /**
   * Resolves with its exit code, or with 0 when the caller has left. Of one without a terminal or open input there is
   * what it prints from here on. CONFLICT when it does not run.
   */
  attach(name: string, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<number>;

  /** Creates and starts it, and misses nothing. Fails as `run` does; the end of its program is no failure here. */
  runAttached(spec: ContainerSpec, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<number>;
}

/** And what the agent itself asks. */
export interface Engine extends Containers, Changes {
  readonly controls: Controls;
  readonly files: FileOperations;
  readonly attachments: Attachments;

  /** Those whose health is to be checked. Nothing is asked of the host for it. */
  checked(): ContainerConfig[];

  /** Every container with what the cluster said of it, for the cluster's loop. */
  observe(): Promise<Observed[]>;

  /** What containers stand on, those included that are being made: neither name nor contents may go. */
  inUse(): InUse[];

  /**
   * Makes a container be as given and run. The same again changes nothing; a
   * different spec or image replaces it, files included; a different
   * assignment alone is only written down.
   */
  ensure(wanted: Wanted, signal: AbortSignal): Promise<ContainerStatus>;

  /** What each container has besides its own files, those included that are being made. Asks nobody. */
  mounted(): { container: string; mounts: readonly Mount[] }[];

  /** Of all containers, those included that are being made. Asks nobody. */
  specs(): ContainerSpec[];

  /** A doorbell: yields, with no detail, soon after any container may have changed. Ends when the signal fires. */
  changes(signal: AbortSignal): AsyncIterable<void>;

  /** Finishes or undoes what a killed agent left half done. Run once, before anything else. */
  recover(signal: AbortSignal): Promise<Recovery>;
}

export type LogOptions = ContainerLogs;

export interface ExecRequest {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly tty: boolean;
  readonly stdin: boolean;
  readonly columns: number;
  readonly rows: number;
  /** As the image knows them; the container's own where none is given. */
  readonly user?: string | undefined;
}

/** The two directions of an exec, in the shape of the method row's frames. */
export interface ExecIo {
  readonly input: AsyncIterable<z.output<typeof ExecInput>>;
  /** Resolves when there is room for more. */
  readonly emit: (output: z.output<typeof ExecOutput>) => Promise<void>;
}

/** What the cluster wants of this node: a spec whose image is resolved and in the store. */
export interface Wanted {
  readonly spec: ContainerSpec;
  readonly image: ContainerConfig['image'];
  readonly assignment: NonNullable<ContainerConfig['assignment']>;
}

export interface Observed {
  readonly status: ContainerStatus;
  readonly config: ContainerConfig;
}

/** Whose image it is, and which. */
export interface InUse {
  readonly name: string;
  readonly image: ContainerConfig['image'];
}

export interface Inspected extends Observed {
  readonly health?: ContainerHealth | undefined;
  readonly isolation: Enforced;
  /** Secrets and configs that it runs with and were changed since it started. */
  readonly pendingRestart?: string[] | undefined;
}

/** What a run of a container is told by. */
export type ObservedRun = Pick<ContainerStatus, 'state' | 'startedAt'>;

/** Whether containers that run also work, as the room that checks them knows. */
export interface Healths {
  /** Undefined for what is not checked, or does not run. */
  of(config: ContainerConfig, observed: ObservedRun | undefined): ContainerHealth | undefined;
  forget(name: string): Promise<void>;
  /** Called at each change of a state, until the result is called. */
  listen(listener: () => void): () => void;
}

export interface Recovery {
  /** Containers whose definition was finished again. */
  readonly repaired: readonly string[];
  /** Those that got addresses of the subnet that there is; what ran of them was started again. */
  readonly readdressed: readonly string[];
  /** Names whose left-overs were removed. */
  readonly removed: readonly string[];
  /** What could not be put right. One broken container does not hold back its neighbours. */
  readonly failed: ReadonlyMap<string, VoltError>;
}

/** What the engine needs of the image store; main.ts supplies it. */
export interface Images {
  /** The image that a name means. Unknown is NOT_FOUND with a hint. */
  resolve(name: string): Promise<ResolvedImage>;
  /** The image of a manifest digest, whatever name it has. */
  open(manifest: string): Promise<ResolvedImage>;
  /** Path of the read-only tree, made once and kept for as long as something uses it. */
  ensureLower(tree: string, signal: AbortSignal): Promise<string>;
  /** What a tree is made of. */
  tree(tree: string): Tree;
  /**
   * An image of another with some changes, which are asked for when all else is ready. A name that is taken afterwards
   * means this image.
   */
  commit(image: NewImage, changes: () => Promise<ImageChanges>, signal: AbortSignal): Promise<ImageSummary>;
  /** The text of a plain file of the tree. Undefined where it has none; symbolic links are not followed. */
  readFile(tree: string, path: string): Promise<string | undefined>;
}

/** What is to become an image, besides the files that it has and the one it was made from has not. */
export interface NewImage {
  readonly name: string;
  /** Manifest of the image that it was made from, and its tree. */
  readonly base: string;
  readonly tree: Tree;
  readonly config: ImageConfig;
  readonly step: Pick<ImageStep, 'author' | 'comment' | 'createdBy'>;
}

/** How its files differ from those of the image that it was made from. */
export interface ImageChanges {
  /** Paths of that image's tree, as bytes, which it has not. */
  readonly removed: readonly string[];
  /** Of what was added or changed, as a tar archive. */
  readonly source: AsyncIterable<Uint8Array>;
}

export interface ResolvedImage {
  readonly manifest: string;
  readonly tree: string;
  readonly config: ImageConfig;
}
