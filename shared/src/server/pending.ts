/** Calls under way, for the dump of SIGUSR1 and for draining at the end. */
export interface PendingCall {
  readonly method: string;
  readonly caller: string;
  readonly since: number;
  /** It changes nothing and may last for ever, so nobody who stops waits for it. */
  readonly isWatch?: boolean;
}

export class PendingCalls {
  readonly #calls = new Set<PendingCall>();
  #idle: (() => void)[] = [];

  /** Counts `work` as pending until it settles. */
  async track<T>(call: PendingCall, work: () => Promise<T>): Promise<T> {
    this.#calls.add(call);
    try {
      return await work();
    } finally {
      this.#calls.delete(call);
      if (!this.#isBusy()) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  list(): PendingCall[] {
    return [...this.#calls];
  }

  /** Resolves once nothing is pending but watches, or after `ms` all the same. */
  async drain(ms: number): Promise<void> {
    if (!this.#isBusy()) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#idle.push(resolve);
    const late = setTimeout(resolve, ms);
    await promise;
    clearTimeout(late);
  }

  #isBusy(): boolean {
    return this.list().some(({ isWatch }) => isWatch !== true);
  }
}
