import { cut, pad, width, type Paint } from '../terminal/index.ts';
import { colourOf, header, rowCell } from './cell.ts';

export interface View {
  readonly now: Date;
  readonly paint: Paint;
  /** Width of the window; undefined leaves lines as long as they are. */
  readonly columns: number | undefined;
}

type Row = Readonly<Record<string, unknown>>;

const GAP = '  ';

/** Cut columns get at least this much, or a row says nothing. */
const COLUMN_MIN = 8;

/** Rows under capital headers, each column as wide as its widest cell, and no blanks at the end of a line. */
export function table(rows: readonly Row[], columns: readonly string[], view: View): string {
  const cells = rows.map((row) => columns.map((column) => rowCell(column, row, view.now)));
  const titles = columns.map(header);
  const natural = columns.map((_, at) => Math.max(...[titles, ...cells].map((line) => width(line[at]!))));
  const widths = view.columns === undefined ? natural : fit(natural, view.columns);

  const line = (texts: readonly string[], isHeader: boolean) =>
    texts
      .map((text, at) => {
        const shown = cut(text, widths[at]!);
        const padded = at === texts.length - 1 ? shown : pad(shown, widths[at]!);
        const colour = isHeader ? undefined : colourOf(columns[at]!, text);
        return colour === undefined ? padded : view.paint(colour, padded);
      })
      .join(GAP)
      .trimEnd();

  return [line(titles, true), ...cells.map((texts) => line(texts, false))].map((text) => `${text}\n`).join('');
}

/** How wide the table would be if nothing were cut. */
export function naturalWidth(rows: readonly Row[], columns: readonly string[], now: Date): number {
  const widths = columns.map((column) =>
    Math.max(width(header(column)), ...rows.map((row) => width(rowCell(column, row, now)))),
  );
  return widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
}

/** Takes from the widest column, never from the first: that is the name, and it is what people copy. */
function fit(natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  const total = () => widths.reduce((sum, one) => sum + one + GAP.length, -GAP.length);
  while (total() > available) {
    let widest = 1;
    for (let at = 2; at < widths.length; at++) if (widths[at]! >= widths[widest]!) widest = at;
    if ((widths[widest] ?? 0) <= COLUMN_MIN) break;
    widths[widest]!--;
  }
  return widths;
}
