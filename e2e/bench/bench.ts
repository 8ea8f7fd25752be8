/** What a bench is: something to prepare, and measurements to take of it. */

/** Receives one line for each step that takes a person's time. */
export type Report = (line: string) => void;

export interface Bench {
  readonly name: string;
  readonly summary: string;
  /**
   * Prepares all that its measurements need. What could not be prepared of a
   * peer is told to `report`, and the peer is left out. Leaves nothing behind
   * if it fails; disposing of the result removes what was made.
   */
  readonly prepare: (report: Report) => Promise<PreparedBench>;
}

export interface PreparedBench extends AsyncDisposable {
  readonly measurements: readonly Measurement[];
}

export interface Measurement {
  readonly work: string;
  readonly unit: 'ms' | 'MiB';
  /** False if left out, as for times and memory. */
  readonly higherIsBetter?: boolean;
  /** How often each takes its turn unless the caller says otherwise, after a warm-up that does not count. */
  readonly runs: number;
  readonly warmUps: number;
  readonly contenders: readonly Contender[];
  /** What is to be reached, from the medians by the contenders' names. Not a number if one that it needs is missing. */
  readonly target?: (medians: Readonly<Record<string, number>>) => number;
}

export interface Contender {
  readonly name: string;
  /**
   * `ours` is what Volt does, once in each measurement. A `peer` does the same
   * by other means. A `reference` does less, or a part of it: it is shown and
   * goes into targets, and nothing is held against it.
   */
  readonly role: 'ours' | 'peer' | 'reference';
  /** Takes one sample. Everything it made is gone again when it resolves. */
  readonly sample: () => Promise<number>;
}
