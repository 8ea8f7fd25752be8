/**
 * The cluster's state for somebody who waits for an answer: while its servers
 * elect a leader, which takes 4 to 8 s, calls are tried again instead of
 * failing. The loops use the port as it is; they come back by themselves.
 */
import { isDeepStrictEqual } from 'node:util';
import { VoltError } from '@volt/shared/errors';
import type { BucketName, BucketValue, Clock, Kv } from '@volt/shared/kv';

const PATIENCE_MS = 15_000;
const PAUSE_MS = 300;

export function patientKv(kv: Kv, clock: Clock): Kv {
  const patiently = <T>(call: (isAgain: boolean) => Promise<T>): Promise<T> => retry(clock, call);

  /** A write that timed out may have happened: then the key already is what it was to become. */
  async function written<B extends BucketName>(
    [bucket, key, value]: readonly [B, string, BucketValue<B>],
    write: () => Promise<number>,
  ): Promise<number> {
    return patiently(async (isAgain) => {
      try {
        return await write();
      } catch (thrown) {
        if (!isAgain || !(thrown instanceof VoltError) || thrown.code !== 'CONFLICT') throw thrown;
        const present = await kv.get(bucket, key);
        if (present !== undefined && isDeepStrictEqual(present.value, value)) return present.revision;
        throw thrown;
      }
    });
  }

  return {
    get: (bucket, key) => patiently(() => kv.get(bucket, key)),
    list: (bucket, node, known) => patiently(() => kv.list(bucket, node, known)),
    put: (bucket, key, value) => patiently(() => kv.put(bucket, key, value)),
    delete: (bucket, key, revision) => patiently(() => kv.delete(bucket, key, revision)),
    create: (bucket, key, value) => written([bucket, key, value], () => kv.create(bucket, key, value)),
    update: (bucket, key, value, revision) =>
      written([bucket, key, value], () => kv.update(bucket, key, value, revision)),
    watch: (bucket, node, wake, signal) => kv.watch(bucket, node, wake, signal),
  };
}

async function retry<T>(clock: Clock, call: (isAgain: boolean) => Promise<T>): Promise<T> {
  const untilMs = clock.monotonicMs() + PATIENCE_MS;
  for (let isAgain = false; ; isAgain = true) {
    try {
      return await call(isAgain);
    } catch (thrown) {
      const isAway = thrown instanceof VoltError && (thrown.code === 'TIMEOUT' || thrown.code === 'NETWORK');
      if (!isAway || clock.monotonicMs() >= untilMs) throw thrown;
    }
    await clock.sleep(PAUSE_MS, new AbortController().signal);
  }
}
