/** A result as text, in the format that was asked for. */
import { VoltError } from '@volt/shared/errors';
import type { OutputFormat } from '../settings/index.ts';
import { harmless } from '../terminal/index.ts';
import { detail } from './detail.ts';
import { naturalWidth, table, type View } from './table.ts';

export interface Shape {
  /** Columns of the table. None: the details of one thing. */
  readonly columns: readonly string[];
  readonly wide?: readonly string[] | undefined;
}

export async function render(value: unknown, shape: Shape, format: OutputFormat, view: View): Promise<string> {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, null, 2)}\n`;
    case 'ndjson':
      return asList(value).map(ndjson).join('');
    case 'yaml':
      return (await import('yaml')).stringify(value);
    case 'name':
      return names(value, shape);
    case 'wide':
      return human(value, [...shape.columns, ...(shape.wide ?? [])], view);
    case 'table':
      return human(value, shape.columns, view);
  }
}

export const ndjson = (value: unknown): string => `${JSON.stringify(value)}\n`;

/** A list is a table. One thing is a table of one row while that fits; nothing of it may be cut off. */
function human(value: unknown, columns: readonly string[], view: View): string {
  if (Array.isArray(value)) return value.length === 0 ? '' : table(value as Row[], columns, view);
  if (columns.length === 0) return detail(value, view);
  const row = value as Row;
  const fits = view.columns === undefined || naturalWidth([row], columns, view.now) <= view.columns;
  if (fits) return table([row], columns, view);
  return detail(Object.fromEntries(columns.map((column) => [column, row[column]])), view);
}

function names(value: unknown, shape: Shape): string {
  return asList(value)
    .map((item) => {
      const row = item as Row;
      const named = row['name'] ?? row[shape.columns[0] ?? ''] ?? nameInside(row) ?? Object.values(row)[0];
      if (typeof named === 'string') return `${harmless(named)}\n`;
      throw new VoltError('USAGE', "There are no names in this: '-o name' does not fit", { hint: '-o json' });
    })
    .join('');
}

/** An inspected thing has its name one level down, in its status. */
const nameInside = (row: Row): unknown =>
  Object.values(row)
    .map((part) => (part as Row | null)?.['name'])
    .find((name) => typeof name === 'string');

type Row = Readonly<Record<string, unknown>>;

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);
