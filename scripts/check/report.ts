/** Reading vitest's JSON report: what passed, and each failure with what it says. */
import { relative } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** One thing that went wrong, named so that it can be found and run again. */
export interface Failure {
  readonly title: string;
  readonly text: string;
}

export interface RunReport {
  readonly passed: number;
  readonly skipped: number;
  readonly failures: readonly Failure[];
}

/** The parts of the report that are read. */
interface RawReport {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly RawFile[];
}

interface RawFile {
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly assertionResults: readonly {
    readonly ancestorTitles: readonly string[];
    readonly title: string;
    readonly status: string;
    readonly failureMessages: readonly string[];
  }[];
}

/** Undefined for a report that is missing or torn. `top` is what paths are told from. */
export function readReport(text: string | undefined, top: string): RunReport | undefined {
  const raw = parse(text);
  if (raw === undefined) return undefined;
  const failures = raw.testResults.flatMap((file) => failuresOf(file, relative(top, file.name)));
  return { passed: raw.numPassedTests, skipped: raw.numPendingTests, failures };
}

/** A file that could not be loaded, or whose hooks failed, is one failure. */
function failuresOf({ status, message, assertionResults }: RawFile, path: string): Failure[] {
  const failed = assertionResults.filter((test) => test.status === 'failed');
  if (failed.length === 0 && status === 'failed') return [{ title: path, text: readable(message) }];
  return failed.map(({ ancestorTitles, title, failureMessages }) => ({
    title: [path, ...ancestorTitles, title].join(' > '),
    text: readable(failureMessages.join('\n')),
  }));
}

/** Without colours, and without the steps through other people's code. */
function readable(message: string): string {
  const lines = stripVTControlCharacters(message).split('\n');
  return lines.filter((line) => !/^\s+at .*(\/node_modules\/|node:|<anonymous>)/.test(line)).join('\n');
}

function parse(text: string | undefined): RawReport | undefined {
  try {
    return JSON.parse(text ?? '') as RawReport;
  } catch {
    return undefined;
  }
}
