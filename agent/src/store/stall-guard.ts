import { VoltError } from '@volt/shared/errors';

/** Gives up on a peer that keeps us waiting. Time that we spend on what it sent does not count. */
export class StallGuard {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  #giveUp: ((error: VoltError) => void) | undefined;

  constructor(peerName: string, stallMilliseconds: number) {
    this.#timer = setTimeout(() => {
      if (this.#giveUp === undefined) {
        this.#timer.refresh();
        return;
      }
      const error = new VoltError('NETWORK', `${peerName} sent nothing for ${stallMilliseconds / 1000} s`);
      this.#controller.abort(error);
      this.#giveUp(error);
    }, stallMilliseconds);
  }

  /** Aborts when the peer is given up. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async watch<T>(work: Promise<T>): Promise<T> {
    this.#timer.refresh();
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#giveUp = reject;
        work.then(resolve, reject);
      });
    } finally {
      this.#giveUp = undefined;
      this.#timer.refresh();
    }
  }

  async *watchAll(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    const iterator = chunks[Symbol.asyncIterator]();
    try {
      for (let next = await this.watch(iterator.next()); !next.done; next = await this.watch(iterator.next())) {
        yield next.value;
      }
    } finally {
      // Not awaited: a silent peer may never answer this either.
      void Promise.resolve(iterator.return?.()).catch(() => {});
    }
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}
