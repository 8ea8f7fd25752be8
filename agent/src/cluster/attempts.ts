/** When what does not stay up is started again. Pure; kept in memory only, so a restarted agent tries at once. */

export interface Attempts {
  readonly tries: number;
  readonly nextAtMs: number;
  readonly runningSinceMs: number | null;
}

const FIRST_DELAY_MS = 1000;
export const DELAY_MS_MAX = 60_000;
/** Up for so long, it counts as well again. */
export const WELL_AFTER_MS = 60_000;

/** 1 s after the first try, doubling up to a minute. */
export const delayMs = (tries: number): number => Math.min(DELAY_MS_MAX, FIRST_DELAY_MS * 2 ** (tries - 1));

export function afterTry(before: Attempts | undefined, nowMs: number): Attempts {
  const tries = (before?.tries ?? 0) + 1;
  return { tries, nextAtMs: nowMs + delayMs(tries), runningSinceMs: null };
}

/** What is remembered after a look at the instance; undefined when there is nothing to remember. */
export function afterLook(before: Attempts | undefined, isRunning: boolean, nowMs: number): Attempts | undefined {
  if (before === undefined) return undefined;
  if (!isRunning) return { ...before, runningSinceMs: null };
  const runningSinceMs = before.runningSinceMs ?? nowMs;
  return nowMs - runningSinceMs >= WELL_AFTER_MS ? undefined : { ...before, runningSinceMs };
}
