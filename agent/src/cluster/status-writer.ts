/** Writes what became of each assignment: when it changed, and now and then to mend what the cluster lost. */
import { instanceKey, type Clock, type Kv } from '@volt/shared/kv';
import type { InstanceStatus } from '@volt/shared/model';
import type { Told } from './statuses.ts';

const REREAD_EVERY_MS = 60_000;

export class StatusWriter {
  readonly #kv: Kv;
  readonly #clock: Clock;
  readonly #node: string;
  /** What the cluster holds, by instance. Undefined until read. */
  #stored: Map<string, string> | undefined;
  #readAtMs = 0;

  constructor(kv: Kv, clock: Clock, node: string) {
    this.#kv = kv;
    this.#clock = clock;
    this.#node = node;
  }

  /** `present`: instances that are still there, assigned or not; what was told of them stays until they are gone. */
  async tell(statuses: readonly Told[], present: ReadonlySet<string>): Promise<void> {
    const stored = await this.#read();
    for (const told of statuses) {
      const text = textOf(told);
      if (stored.get(told.instance) === text) continue;
      const status: InstanceStatus = { ...told, observedAt: this.#clock.now().toISOString() };
      await this.#kv.put('status', instanceKey(this.#node, told.instance), status);
      stored.set(told.instance, text);
    }
    const wanted = new Set(statuses.map(({ instance }) => instance));
    for (const instance of stored.keys()) {
      if (wanted.has(instance) || present.has(instance)) continue;
      await this.#kv.delete('status', instanceKey(this.#node, instance));
      stored.delete(instance);
    }
  }

  async #read(): Promise<Map<string, string>> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#stored !== undefined && nowMs - this.#readAtMs < REREAD_EVERY_MS) return this.#stored;
    const entries = await this.#kv.list('status', this.#node);
    this.#stored = new Map(
      entries.map(({ key, value }) => [
        key.slice(this.#node.length + 1),
        // What cannot be read is as good as absent: it is written again, or deleted.
        value === null ? '' : textOf(value),
      ]),
    );
    this.#readAtMs = nowMs;
    return this.#stored;
  }
}

/** Property by property, because their order differs between what is made here and what comes back. */
function textOf(status: Told & { observedAt?: string }): string {
  const { observedAt: _, ...told } = status;
  return JSON.stringify(Object.entries(told).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
