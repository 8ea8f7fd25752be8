import { harmless, pad } from '../terminal/index.ts';
import { cell, colourOf } from './cell.ts';
import type { View } from './table.ts';

/** One thing with all that is known of it, as `key: value` lines; what is nested is indented. */
export function detail(value: unknown, view: View): string {
  return lines(value as Readonly<Record<string, unknown>>, view, '').join('');
}

function lines(value: Readonly<Record<string, unknown>>, view: View, indent: string): string[] {
  const entries = Object.entries(value).map(([key, one]) => [label(key, one), key, one] as const);
  const keyWidth = Math.max(0, ...entries.map(([shown]) => shown.length + 1));
  return entries.flatMap(([shown, key, one]) => {
    if (isObject(one) && Object.keys(one).length > 0)
      return [`${indent}${shown}:\n`, ...lines(one, view, `${indent}  `)];
    if (Array.isArray(one) && one.some(isObject)) return [`${indent}${shown}:\n`, ...items(one, view, `${indent}  `)];
    const text = scalar(key, one, view.now);
    const colour = colourOf(key, text);
    return [`${indent}${pad(`${shown}:`, keyWidth)} ${colour === undefined ? text : view.paint(colour, text)}\n`];
  });
}

/** Without the unit of an amount: the value is shown with the unit that suits it. */
const label = (key: string, value: unknown): string =>
  harmless(typeof value === 'number' ? key.replace(/(?<=[a-z])(?:Bytes|MiB|Millis)$/, '') : key);

function items(list: readonly unknown[], view: View, indent: string): string[] {
  return list.flatMap((item) => {
    if (!isObject(item)) return [`${indent}- ${scalar('', item, view.now)}\n`];
    const [first = '', ...rest] = lines(item, view, `${indent}  `);
    return [`${indent}- ${first.trimStart()}`, ...rest];
  });
}

/** In full, and an instant also as it was given: this is where people come for the exact value. */
function scalar(key: string, value: unknown, now: Date): string {
  if (isObject(value) || (Array.isArray(value) && value.length === 0)) return '-';
  if (Array.isArray(value)) return value.map((item) => words(String(item))).join(' ');
  if (key === 'digest') return String(value);
  const text = cell(key, value, now);
  return key.endsWith('At') && typeof value === 'string' ? `${value} (${text})` : text;
}

/** An item with blanks in it is shown in quotes, so that items can be told apart. */
const words = (item: string) => (/^[^\s'"]+$/.test(item) ? item : JSON.stringify(item));

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
