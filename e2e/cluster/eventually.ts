import { setTimeout as sleep } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';

const EVERY_MS = 200;

/**
 * Resolves with the first value that `look` finds; asks again until then. A
 * look that throws has not found it yet. Rejects with TIMEOUT, and with what
 * the last look said, when the deadline has passed.
 */
export async function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown = 'it was not so';
  while (Date.now() < deadline) {
    try {
      const found = await look();
      if (found !== undefined && found !== false) return found;
    } catch (thrown) {
      last = thrown instanceof Error ? thrown.message : thrown;
    }
    await sleep(EVERY_MS);
  }
  throw new VoltError('TIMEOUT', `Not within ${timeoutMs / 1000} s: ${what} (${String(last)})`);
}
