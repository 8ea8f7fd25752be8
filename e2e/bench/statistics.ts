/** The few statistics a measurement is told by. Pure. */

export function median(samples: readonly number[]): number {
  return quantile(samples, 0.5);
}

/** Nineteen of twenty samples are at most this. */
export function p95(samples: readonly number[]): number {
  return quantile(samples, 0.95);
}

/** Between two samples the value lies on the line that joins them. Not a number when there is none. */
function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = sorted[Math.floor(place)] ?? Number.NaN;
  const above = sorted[Math.ceil(place)] ?? Number.NaN;
  return below + (above - below) * (place - Math.floor(place));
}
