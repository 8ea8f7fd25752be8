/** Turns many rings into one pending wake, however slowly they are listened to. */
export class Doorbell {
  #waiting = Promise.withResolvers<void>();

  ring(): void {
    this.#waiting.resolve();
  }

  /** Yields once for all rings since the last time. Ends when the signal fires. */
  async *wakes(signal: AbortSignal): AsyncGenerator<void> {
    const stop = () => this.ring();
    signal.addEventListener('abort', stop, { once: true });
    try {
      while (!signal.aborted) {
        await this.#waiting.promise;
        this.#waiting = Promise.withResolvers();
        if (!signal.aborted) yield;
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }
}
