/** What failed, said again at the end: whoever sees only the last lines of a log must know. */
import type { Failure } from './report.ts';

/** Together with the table that follows, this many lines end the log. */
export const FAILURE_LINES_MAX = 45;
const LINES_EACH_MAX = 15;
const LINES_EACH_MIN = 3;
const LINE_CHARS_MAX = 300;

/** Nothing for no failures. With many, each gets fewer lines; what does not fit is counted. */
export function describeFailures(failures: readonly Failure[]): string {
  if (failures.length === 0) return '';
  const fitting = Math.min(failures.length, Math.floor((FAILURE_LINES_MAX - 1) / (LINES_EACH_MIN + 1)));
  const linesEach = Math.min(LINES_EACH_MAX, Math.floor((FAILURE_LINES_MAX - 1) / fitting) - 1);
  const told = failures.slice(0, fitting).map((failure) => describe(failure, linesEach));
  const left = failures.length - fitting;
  return [...told, ...(left > 0 ? [`… and ${left} more`] : [])].join('\n');
}

function describe({ title, text }: Failure, linesMax: number): string {
  const lines = text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, linesMax);
  return [`✗ ${title}`, ...lines.map((line) => `    ${line}`)].map((line) => line.slice(0, LINE_CHARS_MAX)).join('\n');
}

/** The last lines of what a program said: there it says why it ended. */
export function tailOf(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  return lines.slice(-LINES_EACH_MAX).join('\n');
}
