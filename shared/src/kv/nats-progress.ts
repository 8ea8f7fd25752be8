import type { StreamInfo } from '@nats-io/jetstream';
import { VoltError } from '../errors/index.ts';
import { buckets, type BucketName } from './buckets.ts';

/**
 * Refuses to go back in time. A server that became a stream's leader before it
 * had all of it answers with less than was there: to believe it would be to
 * stop what runs. Buckets in memory do begin anew, when a server that was
 * restarted comes to lead them.
 */
export class Progress {
  readonly #newest = new Map<BucketName, number>();

  check(bucket: BucketName, { state: { last_seq } }: StreamInfo): void {
    if (buckets[bucket].storage === 'memory') return;
    if (last_seq < (this.#newest.get(bucket) ?? 0)) {
      throw new VoltError('CONFLICT', `Reading '${bucket}': the cluster answers with an older state than it had`);
    }
    this.#newest.set(bucket, last_seq);
  }
}
