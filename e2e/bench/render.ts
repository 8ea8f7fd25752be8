/** Results as people read them. Pure. */
import { isReached, type Result } from './result.ts';

const GAP = '  ';

/** One block for each measurement: a row for each contender, and under it what came out. */
export function renderResults(results: readonly Result[]): string {
  const blocks = results.map((result) => [heading(result), ...aligned(rows(result)), ...verdicts(result)].join('\n'));
  return `${blocks.join('\n\n')}\n`;
}

function heading({ bench, work, runs, machine }: Result): string {
  return `${bench}: ${work}\n${runs} ${runs === 1 ? 'run' : 'runs'} each, in turn; ${machine}`;
}

function rows(result: Result): string[][] {
  const { unit, ours, peers, references, higherIsBetter } = result;
  const row = (name: string, value: number, note: string): string[] => {
    const ratio = note === 'reference' ? '' : (ours / value).toFixed(2);
    return [name, shown(value), shown(result.p95[name]), ratio, note];
  };
  const own = Object.keys(result.p95).find((name) => !(name in peers) && !(name in references)) ?? 'volt';
  return [
    ['', `MEDIAN ${unit}`, `P95 ${unit}`, 'OURS TO IT', higherIsBetter ? 'MORE IS BETTER' : ''],
    row(own, ours, ''),
    ...Object.entries(peers).map(([name, value]) => row(name, value, name === result.best ? 'best peer' : '')),
    ...Object.entries(references).map(([name, value]) => row(name, value, 'reference')),
  ];
}

/** Names to the left, numbers to the right. */
function aligned(lines: readonly (readonly string[])[]): string[] {
  const widths = lines[0]?.map((_, at) => Math.max(...lines.map((line) => line[at]?.length ?? 0))) ?? [];
  const isNumber = (at: number) => at > 0 && at < 4;
  return lines.map((line) =>
    line
      .map((text, at) => (isNumber(at) ? text.padStart(widths[at] ?? 0) : text.padEnd(widths[at] ?? 0)))
      .join(GAP)
      .trimEnd(),
  );
}

function verdicts(result: Result): string[] {
  const { target, unit, higherIsBetter } = result;
  if (target === null) return [];
  const bound = `${higherIsBetter ? 'at least' : 'at most'} ${shown(target)} ${unit}`;
  return [`target: ${bound}; ${isReached(result) ? 'reached' : 'MISSED'}`];
}

function shown(value: number | undefined): string {
  if (value === undefined) return '-';
  return value.toFixed(1);
}
