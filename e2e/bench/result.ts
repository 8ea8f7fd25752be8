/** From samples to what is told about them. Pure. */
import type { Contender, Measurement } from './bench.ts';
import { median, p95 } from './statistics.ts';

/** All samples of one contender, in the order in which they were taken. */
export interface Series {
  readonly contender: Pick<Contender, 'name' | 'role'>;
  readonly samples: readonly number[];
}

/** One measurement, as `-o json` prints it. Numbers are medians unless their name says otherwise. */
export interface Result {
  readonly bench: string;
  readonly work: string;
  readonly unit: string;
  readonly higherIsBetter?: true;
  readonly ours: number;
  readonly peers: Readonly<Record<string, number>>;
  /** Name of the best peer; null without peers, as is the ratio. */
  readonly best: string | null;
  readonly ratio: number | null;
  readonly references: Readonly<Record<string, number>>;
  readonly p95: Readonly<Record<string, number>>;
  readonly target: number | null;
  readonly runs: number;
  readonly machine: string;
}

type Described = Pick<Measurement, 'work' | 'unit' | 'higherIsBetter' | 'target'>;

export function summarize(
  measurement: Described,
  series: readonly Series[],
  facts: { readonly bench: string; readonly machine: string },
): Result {
  const { work, unit, higherIsBetter = false, target } = measurement;
  const medians = valuesOf(series, median);
  const ours = series.find(({ contender }) => contender.role === 'ours');
  const peers = valuesOf(ofRole(series, 'peer'), median);
  const best = bestOf(peers, higherIsBetter);
  const own = ours === undefined ? Number.NaN : (medians[ours.contender.name] ?? Number.NaN);
  return {
    bench: facts.bench,
    work,
    unit,
    ...(higherIsBetter ? { higherIsBetter: true as const } : {}),
    ours: own,
    peers,
    best,
    ratio: best === null ? null : rounded(own / (peers[best] ?? Number.NaN)),
    references: valuesOf(ofRole(series, 'reference'), median),
    p95: valuesOf(series, p95),
    target: targetOf(target, medians),
    runs: ours?.samples.length ?? 0,
    machine: facts.machine,
  };
}

/** Whether the target is reached; undefined if there is none. */
export function isReached({ ours, target, higherIsBetter }: Result): boolean | undefined {
  if (target === null) return undefined;
  return higherIsBetter ? ours >= target : ours <= target;
}

function targetOf(target: Described['target'], medians: Readonly<Record<string, number>>): number | null {
  const value = target?.(medians) ?? Number.NaN;
  return Number.isNaN(value) ? null : rounded(value);
}

function bestOf(peers: Readonly<Record<string, number>>, higherIsBetter: boolean): string | null {
  const sorted = Object.entries(peers).sort(([, a], [, b]) => (higherIsBetter ? b - a : a - b));
  return sorted[0]?.[0] ?? null;
}

const ofRole = (series: readonly Series[], role: Contender['role']): Series[] =>
  series.filter(({ contender }) => contender.role === role);

function valuesOf(series: readonly Series[], statistic: (samples: readonly number[]) => number) {
  return Object.fromEntries(series.map(({ contender, samples }) => [contender.name, rounded(statistic(samples))]));
}

const rounded = (value: number): number => Math.round(value * 100) / 100;
