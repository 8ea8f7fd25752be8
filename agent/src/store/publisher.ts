/**
 * Publishes what arrives, part by part: all lanes put objects into one batch,
 * and once that holds enough the next objects go to another, so what is
 * complete becomes durable while the rest is on its way.
 */
import { toVoltError, type VoltError } from '@volt/shared/errors';
import type { Ingest } from './ingest.ts';

/** What a crash makes us fetch again, at most, beside objects on their way. Flushing is dear, so it is not less. */
const PUBLISH_BYTES = 64 * 1024 * 1024;

/** Puts something into a batch, and resolves with its size. */
export type Put = (batch: Ingest) => Promise<number>;

interface Part {
  readonly batch: Ingest;
  bytes: number;
  users: number;
}

export class Publisher {
  readonly #open: () => Ingest;
  #current: Part | undefined;
  #failure: VoltError | undefined;

  constructor(open: () => Ingest) {
    this.#open = open;
  }

  /** The last one who is done with a batch that is full publishes it. */
  async into(put: Put): Promise<void> {
    const part = (this.#current ??= { batch: this.#open(), bytes: 0, users: 0 });
    part.users++;
    try {
      const sizeBytes = await put(part.batch);
      // Not in one line: it would add to what was there before the wait, and others add meanwhile.
      part.bytes += sizeBytes;
    } finally {
      part.users--;
      if (part.bytes >= PUBLISH_BYTES) {
        if (this.#current === part) this.#current = undefined;
        if (part.users === 0) await this.#publish(part);
      }
    }
  }

  /** When nobody puts anything. Throws what went wrong while publishing, also earlier. */
  async finish(): Promise<void> {
    const part = this.#current;
    this.#current = undefined;
    if (part !== undefined) await this.#publish(part);
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Never rejects: it is nothing to blame a peer for. */
  async #publish({ batch }: Part): Promise<void> {
    try {
      await using _batch = batch;
      await batch.commit();
    } catch (thrown) {
      this.#failure ??= toVoltError(thrown);
    }
  }
}
