/**
 * Lines of several readers as one, in the order of their time.
 *
 * Each reader has its lines in order, and brings the next when the last is
 * printed: no more than one of each waits here. The oldest is printed once no
 * other reader can bring an older one. One that follows may have nothing to
 * bring for hours, so it is waited for only a moment after its last line.
 */
import type { LogLine } from '@volt/shared/rpc';

export type Print = (line: LogLine) => Promise<void>;

/** Where one reader brings its lines. */
export interface Inlet {
  /** Resolves when the line is printed. */
  readonly bring: Print;
  readonly end: () => void;
}

export interface Patience {
  /** For the first line of a reader, which has to find its place first. */
  readonly firstMs: number;
  /** For the next line after one. */
  readonly nextMs: number;
}

/** Of readers that end: the order is then exact. */
export const untilTheEnd: Patience = { firstMs: Infinity, nextMs: Infinity };

/** Of readers that follow. journalctl tells of a line up to 300 ms after it came. */
export const whileFollowing: Patience = { firstMs: 2000, nextMs: 400 };

interface Waiting {
  readonly line: LogLine;
  readonly printed: PromiseWithResolvers<void>;
}

interface Reader {
  waiting: Waiting | undefined;
  /** Until when, on the clock of `performance.now`, others wait for it. */
  patientUntil: number;
}

export class InOrder {
  readonly #print: Print;
  readonly #patience: Patience;
  readonly #readers = new Set<Reader>();
  #isPrinting = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(print: Print, patience: Patience) {
    this.#print = print;
    this.#patience = patience;
  }

  /** All readers that are known from the start are opened before one of them brings a line. */
  open(): Inlet {
    const reader: Reader = { waiting: undefined, patientUntil: performance.now() + this.#patience.firstMs };
    this.#readers.add(reader);
    return {
      bring: (line) => {
        const printed = Promise.withResolvers<void>();
        reader.waiting = { line, printed };
        this.#proceed();
        return printed.promise;
      },
      end: () => {
        this.#readers.delete(reader);
        this.#proceed();
      },
    };
  }

  #proceed(): void {
    if (!this.#isPrinting) void this.#printAll();
  }

  async #printAll(): Promise<void> {
    this.#isPrinting = true;
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      const { line, printed } = next.waiting!;
      next.waiting = undefined;
      try {
        await this.#print(line);
        printed.resolve();
      } catch (thrown) {
        printed.reject(thrown);
      }
      next.patientUntil = performance.now() + this.#patience.nextMs;
      // The reader is asked for its next line by this, and brings what it has at hand before others are looked at.
      await new Promise((resolve) => void setImmediate(resolve));
    }
    this.#isPrinting = false;
  }

  /** Whose line is to be printed. Undefined when there is none, or when it has to wait: then it is looked at again. */
  #next(): Reader | undefined {
    clearTimeout(this.#timer);
    let oldest: Reader | undefined;
    let patientUntil = 0;
    for (const reader of this.#readers) {
      if (reader.waiting === undefined) patientUntil = Math.max(patientUntil, reader.patientUntil);
      else if (oldest === undefined || reader.waiting.line.at < oldest.waiting!.line.at) oldest = reader;
    }
    const waitMs = patientUntil - performance.now();
    if (oldest === undefined || waitMs <= 0) return oldest;
    if (waitMs !== Infinity) this.#timer = setTimeout(() => this.#proceed(), Math.ceil(waitMs));
    return undefined;
  }
}
