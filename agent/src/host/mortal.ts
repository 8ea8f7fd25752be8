/** What a process that was killed in the middle throws, to whoever still waits. */
export class Died extends Error {}

/** Counts the calls that go out of a process, and ends it at one of them. */
export class Life {
  calls = 0;
  readonly #last: number;

  constructor(last = Infinity) {
    this.#last = last;
  }

  /** False when the call is not made any more; nor is any after it. */
  spend(): boolean {
    this.calls += 1;
    return this.calls < this.#last;
  }
}

/** The same port, for a process that may die: each call of a method, all of which are async, costs it one. */
export function mortal<T extends object>(port: T, life: Life): T {
  return new Proxy(port, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if (!life.spend()) return Promise.reject(new Died('The process was killed'));
        return (value as (...all: unknown[]) => unknown).apply(target, parameters);
      };
    },
  });
}
