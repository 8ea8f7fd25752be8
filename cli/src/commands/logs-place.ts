/** Where reading was, so that it can go on there when whoever was asked is gone. */
import type { LogLine } from '@volt/shared/rpc';
import type { LogWindow } from '../offline/index.ts';
import type { Print } from './logs-in-order.ts';

export class LogPlace {
  readonly #wanted: LogWindow;
  readonly #print: Print;
  #at: string | undefined;
  /** How many lines of that very millisecond were printed. */
  #count = 0;

  constructor(wanted: LogWindow, print: Print) {
    this.#wanted = wanted;
    this.#print = print;
  }

  get isBegun(): boolean {
    return this.#at !== undefined;
  }

  /** What is still to be read, and what to do with it. A journal always tells the same lines in the same order. */
  rest(): { wanted: LogWindow; print: Print } {
    const at = this.#at;
    let skip = this.#count;
    const print: Print = async (line: LogLine) => {
      if (line.at === at && skip-- > 0) return;
      await this.#print(line);
      this.#count = line.at === this.#at ? this.#count + 1 : 1;
      this.#at = line.at;
    };
    return { wanted: at === undefined ? this.#wanted : { ...this.#wanted, tail: undefined, since: at }, print };
  }
}
