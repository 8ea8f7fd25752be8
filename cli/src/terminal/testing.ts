import { Readable } from 'node:stream';
import type { Sink, Terminal } from './terminal.ts';

export class FakeSink implements Sink {
  text = '';
  /** The same before it was taken for text. */
  bytes: Buffer = Buffer.alloc(0);
  readonly isTerminal: boolean;
  readonly #columns: number | undefined;

  constructor(columns?: number) {
    this.#columns = columns;
    this.isTerminal = columns !== undefined;
  }

  columns(): number | undefined {
    return this.#columns;
  }

  rows(): number | undefined {
    return this.isTerminal ? 24 : undefined;
  }

  async write(data: string | Uint8Array): Promise<void> {
    this.text += typeof data === 'string' ? data : Buffer.from(data).toString('utf8');
    this.bytes = Buffer.concat([this.bytes, Buffer.from(data)]);
  }
}

/** A terminal in memory: what was printed can be read back, and the window can be pulled at. */
export class FakeTerminal implements Terminal {
  readonly stdout: FakeSink;
  readonly stderr: FakeSink;
  readonly env: Record<string, string | undefined>;
  readonly stdin: Terminal['stdin'];
  isRaw = false;
  #listeners = new Set<() => void>();

  /** `columns` makes all three streams a terminal of that width; `input` is what stdin gives. */
  constructor(options: { env?: Record<string, string>; columns?: number; input?: string | Readable } = {}) {
    this.stdout = new FakeSink(options.columns);
    this.stderr = new FakeSink(options.columns);
    this.env = { ...options.env };
    const { input = '' } = options;
    this.stdin = {
      isTerminal: options.columns !== undefined,
      stream: () => (typeof input === 'string' ? Readable.from(input === '' ? [] : [Buffer.from(input)]) : input),
      makeRaw: () => {
        this.isRaw = true;
        return () => {
          this.isRaw = false;
        };
      },
    };
  }

  onResize(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  resize(): void {
    for (const listener of this.#listeners) listener();
  }
}
