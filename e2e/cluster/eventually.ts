import { eventually as asked } from '../lab/index.ts';

/** A cluster takes longer than a node, and each look at it is a command. */
const TIMEOUT_MS = 30_000;
const EVERY_MS = 200;

/** The lab's eventually(), for what a whole cluster has to do: it is always said what is waited for. */
export function eventually<T>(
  what: string,
  look: () => Promise<T | undefined | false>,
  timeoutMs = TIMEOUT_MS,
): Promise<Exclude<T, false | undefined>> {
  return asked(look, { what, timeoutMs, intervalMs: EVERY_MS });
}
