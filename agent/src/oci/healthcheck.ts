/** An image's own check, from Docker's words and back. Pure. */
import { ImageHealth } from '@volt/shared/model';
import * as z from 'zod';

const NS_PER_MS = 1_000_000;

/** Times are in nanoseconds; 0 is as for everybody. */
const Nanoseconds = z.number().min(0).nullish();
const Document = z.object({
  Test: z.array(z.string()).nullish(),
  Interval: Nanoseconds,
  Timeout: Nanoseconds,
  StartPeriod: Nanoseconds,
  Retries: z.number().min(0).nullish(),
});

/** Undefined where there is none. One that cannot be meant is left out, and said so. */
export function healthcheckOf(raw: unknown, left: string[]): ImageHealth | undefined {
  if (raw === undefined || raw === null) return undefined;
  const parsed = Document.safeParse(raw);
  if (!parsed.success) return leaveOut(left);
  const { Test, Interval, Timeout, StartPeriod, Retries } = parsed.data;
  const [how, ...words] = Test ?? [];
  // Nothing is what an image says that has the check of the one below it.
  if (how === undefined || how === '' || how === 'NONE') return undefined;
  const command = how === 'CMD-SHELL' ? ['/bin/sh', '-c', words[0] ?? ''] : how === 'CMD' ? words : [];
  const times = { intervalMs: msOf(Interval), timeoutMs: msOf(Timeout), startPeriodMs: msOf(StartPeriod) };
  const found = ImageHealth.safeParse({ command, ...times, retries: Retries || undefined });
  return found.success ? found.data : leaveOut(left);
}

export const healthcheckDocument = (health: ImageHealth) => ({
  Test: ['CMD', ...health.command],
  Interval: nsOf(health.intervalMs),
  Timeout: nsOf(health.timeoutMs),
  StartPeriod: nsOf(health.startPeriodMs),
  Retries: health.retries,
});

const msOf = (ns: number | null | undefined) => (ns ? Math.max(1, Math.round(ns / NS_PER_MS)) : undefined);
const nsOf = (ms: number | undefined) => (ms === undefined ? undefined : ms * NS_PER_MS);

function leaveOut(left: string[]): undefined {
  left.push('Its own check of health is left out: it is none');
}
