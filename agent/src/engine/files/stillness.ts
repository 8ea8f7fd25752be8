/**
 * Holding a container still while its files are copied. A mark beside its
 * definition says so before it is done, so that an agent which starts after
 * another was killed in the middle lets it go on.
 */
import type { Files } from '../../host/index.ts';
import type { Driver, Reach } from '../drivers/driver.ts';
import type { Known } from '../known.ts';

export interface StillnessOptions {
  readonly known: Known;
  readonly driver: Driver & Reach;
  readonly files: Files;
  readonly containers: string;
}

export class Stillness {
  readonly #options: StillnessOptions;

  constructor(options: StillnessOptions) {
    this.#options = options;
  }

  /** In its lane. One that does not run, or somebody has paused, stays as it is. */
  async during<T>(name: string, work: () => Promise<T>): Promise<T> {
    const letGo = await this.hold(name);
    try {
      return await work();
    } finally {
      await letGo();
    }
  }

  /** The same, until what this resolves with is called; that may be repeated. */
  async hold(name: string): Promise<() => Promise<void>> {
    const { known, driver, files } = this.#options;
    const { state } = await known.status(name);
    if (state !== 'running') return async () => {};
    await files.write(this.#mark(name), '', { mode: 0o600 });
    try {
      await driver.pause(name);
    } catch (thrown) {
      await this.release(name);
      throw thrown;
    }
    return () => this.release(name);
  }

  async release(name: string): Promise<void> {
    const { driver, files } = this.#options;
    if (!(await files.exists(this.#mark(name)))) return;
    if ((await driver.observe(name))?.state === 'paused') await driver.resume(name);
    await files.remove(this.#mark(name));
  }

  #mark(name: string): string {
    return `${this.#options.containers}/${name}/held-still`;
  }
}
