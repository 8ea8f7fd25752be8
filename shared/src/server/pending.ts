/** Calls under way, for the dump of SIGUSR1 and for draining at the end. */
export interface PendingCall {
  readonly method: string;
  readonly caller: string;
  readonly since: number;
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
      if (this.#calls.size === 0) for (const wake of this.#idle.splice(0)) wake();
    }
  }

  list(): PendingCall[] {
    return [...this.#calls];
  }

  /** Resolves once nothing is pending. */
  async whenIdle(): Promise<void> {
    if (this.#calls.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }
}
