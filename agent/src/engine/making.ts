/** Images of containers that are being made, which nobody must take away before the ledger has them. */
import type { ContainerConfig } from '@volt/shared/model';
import type { InUse } from './engine.ts';

export class Making {
  readonly #images = new Map<string, ContainerConfig['image']>();

  /** Until it is disposed. There is one at a time for a name. */
  keep(name: string, image: ContainerConfig['image']): Disposable {
    this.#images.set(name, image);
    return { [Symbol.dispose]: () => void this.#images.delete(name) };
  }

  /** These, and those of containers that are there. */
  and(made: readonly ContainerConfig[]): InUse[] {
    const known = made.map(({ spec, image }) => ({ name: spec.name, image }));
    return [...known, ...[...this.#images].map(([name, image]) => ({ name, image }))];
  }
}
