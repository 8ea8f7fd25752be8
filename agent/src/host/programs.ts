/** Programs of the host. Always an argument list, never a shell line. */
export interface Programs {
  /**
   * Runs a program to its end and resolves whatever its code. Rejects with
   * DEPENDENCY when it is not installed, with TIMEOUT when it took too long,
   * and with the signal's reason when that fired; it is dead by then.
   */
  run(argv: readonly string[], options: RunOptions): Promise<RunResult>;

  /** Starts a program whose input and output are streamed. Rejects with DEPENDENCY when it is not installed. */
  open(argv: readonly string[], options: OpenOptions): Promise<OpenProgram>;
}

export interface RunOptions {
  readonly signal: AbortSignal;
  readonly timeoutMs?: number | undefined;
  /** The whole environment; a plain PATH when not given. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  readonly input?: string | Uint8Array | undefined;
}

export interface RunResult {
  /** 128 + n when signal n ended it. */
  readonly code: number;
  /** The first OUTPUT_BYTES_MAX bytes. */
  readonly stdout: string;
  /** The last STDERR_BYTES_MAX bytes. */
  readonly stderr: string;
}

export interface OpenOptions {
  readonly env?: Readonly<Record<string, string>> | undefined;
}

export interface OpenProgram {
  readonly pid: number;
  /** Each must be read to its end, or the program blocks. */
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. Writing to one that has closed its input does nothing. */
  write(data: Uint8Array): Promise<void>;
  /** Closes its input. */
  end(): void;
  /** Lets it go on by itself, even when this process ends. Nobody reads from it or waits for it any more. */
  release(): void;
  /** Kills it and its children. */
  kill(): Promise<void>;
  /** Resolves when it has ended and its output is complete; 128 + n when signal n ended it. */
  readonly exitCode: Promise<number>;
}

export const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
export const STDERR_BYTES_MAX = 16 * 1024;
export const RUN_TIMEOUT_MS = 60_000;
