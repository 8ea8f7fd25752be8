import { VoltError } from '../errors/index.ts';

/** Something wrong in a file, and where: offsets into its text. */
export interface Problem {
  readonly message: string;
  readonly range: readonly [from: number, to: number];
  readonly hint?: string | undefined;
}

const PROBLEMS_SHOWN_MAX = 5;
const EXCERPT_COLUMNS_MAX = 90;
const TAB = /\t/g;

/** All problems of one file as one error: `file:line:column: what`, each with the line and a caret. */
export function invalidFile(file: string, text: string, problems: readonly Problem[]): VoltError {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map((problem) => render(file, text, problem));
  const left = problems.length - shown.length;
  const more = left > 0 ? [`and ${left} more`] : [];
  return new VoltError('INVALID_CONFIG', [...shown, ...more].join('\n'), { hint: problems.find((p) => p.hint)?.hint });
}

function render(file: string, text: string, { message, range }: Problem): string {
  const from = Math.min(range[0], text.length);
  const lineStart = text.lastIndexOf('\n', from - 1) + 1;
  const lineEnd = text.indexOf('\n', from) === -1 ? text.length : text.indexOf('\n', from);
  const line = text.slice(0, from).split('\n').length;
  const column = from - lineStart + 1;

  // A long line is shown around the place.
  const shift = Math.max(0, column - EXCERPT_COLUMNS_MAX + 20);
  const excerpt = text
    .slice(lineStart + shift, lineEnd)
    .slice(0, EXCERPT_COLUMNS_MAX)
    .replace(/\r$/, '')
    .replace(TAB, ' ');
  const length = Math.max(1, Math.min(range[1], lineEnd) - from);
  const carets = '^'.repeat(Math.min(length, Math.max(1, excerpt.length - (column - shift) + 1)));
  const gutter = ` ${line} `;
  const pointer = `${' '.repeat(gutter.length)}| ${' '.repeat(column - shift - 1)}${carets}`;
  return `${file}:${line}:${column}: ${message}\n${gutter}| ${excerpt}\n${pointer}`;
}
