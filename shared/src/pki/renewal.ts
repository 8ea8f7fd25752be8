/** When a certificate or NATS credentials are to be replaced. Pure: what time it is, is the caller's. */
import { X509Certificate } from 'node:crypto';
import { CLOCK_SKEW_MS } from './certificates.ts';

export interface Life {
  readonly from: Date;
  readonly until: Date;
}

/** Renewed after two thirds, so that a third is left for whatever keeps the renewal from working. */
const DUE_SHARE = 2 / 3;
/** Nodes of one age are spread over this much more of a life. */
const SPREAD_SHARE = 1 / 12;
/** Between two looks at the files, which somebody else may have replaced. */
const LOOK_EVERY_MS = 30_000;
/** Between two tries of what is due: a part of the time that is left, within these. */
const TRY_AGAIN_PART = 20;
const TRY_AGAIN_MS_MIN = 1000;
const TRY_AGAIN_MS_MAX = 15 * 60_000;

/** Of the first certificate in the text. `from` is when it was signed, not the earlier moment that it says. */
export function lifeOf(certificate: string): Life {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return { from: new Date(validFromDate.getTime() + CLOCK_SKEW_MS), until: validToDate };
}

/** `spread`: 0 to 1, another one for each node. */
export function dueAt({ from, until }: Life, spread: number): Date {
  const share = DUE_SHARE + SPREAD_SHARE * spread;
  return new Date(from.getTime() + share * (until.getTime() - from.getTime()));
}

/** The same for one node at every start, so that restarts do not draw again. */
export function spreadOf(publicKeyFingerprint: string): number {
  return Number.parseInt(publicKeyFingerprint.slice(0, 4), 16) / 0xffff;
}

/** How long to wait before the next look at things with these lives. */
export function waitMs(lives: readonly Life[], spread: number, now: Date): number {
  const waits = lives.map((life) => {
    const untilDueMs = dueAt(life, spread).getTime() - now.getTime();
    if (untilDueMs > 0) return Math.min(untilDueMs, LOOK_EVERY_MS);
    const leftMs = Math.max(0, life.until.getTime() - now.getTime());
    return Math.min(Math.max(leftMs / TRY_AGAIN_PART, TRY_AGAIN_MS_MIN), TRY_AGAIN_MS_MAX);
  });
  return Math.min(LOOK_EVERY_MS, ...waits);
}
