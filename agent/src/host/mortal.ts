/** What a process that was killed in the middle throws, to whoever still waits. */
export class Died extends Error {}

/** Counts the calls that go out of a process, and ends it at one of them. */
export class Life {
  calls = 0;
  readonly #last: number;

  constructor(last = Infinity) {
    this.#last = last;
  }

  /** The call is never made; nor is any after it. */
  spend(): void {
    this.calls += 1;
    if (this.calls >= this.#last) throw new Died('The process was killed');
  }
}

/** The same port, for a process that may die: each call of a method costs it one. */
export function mortal<T extends object>(port: T, life: Life): T {
  return new Proxy(port, {
    get(target, key) {
      const value = Reflect.get(target, key, target) as unknown;
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        life.spend();
        return (value as (...all: unknown[]) => unknown).apply(target, parameters);
      };
    },
  });
}
