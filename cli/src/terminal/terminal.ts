/**
 * What the CLI knows of the terminal it runs in. Commands are handed one; tests
 * hand them another.
 */
import type { Readable } from 'node:stream';

/** Why a command was cancelled, when whoever read our output has had enough (`volt logs web | head`): no failure. */
export const readerGone = Symbol('reader gone');

export interface Sink {
  readonly isTerminal: boolean;
  /** Width of the window; undefined when it is none. */
  columns(): number | undefined;
  rows(): number | undefined;
  /** Resolves when there is room for more. A reader that has gone is no error here. */
  write(data: string | Uint8Array): Promise<void>;
}

export interface Source {
  readonly isTerminal: boolean;
  /** The bytes as they come. Read at most once. */
  stream(): Readable;
  /** Keys reach us one by one and unchanged, Ctrl-C included. Returns the way back. */
  makeRaw(): () => void;
}

export interface Terminal {
  readonly stdin: Source;
  readonly stdout: Sink;
  readonly stderr: Sink;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls `listener` when the window changes size. Returns the way to stop it. */
  onResize(listener: () => void): () => void;
}
