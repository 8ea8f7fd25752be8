/** Which rows of a list of what runs are wanted. Pure. */
import * as z from 'zod';

const FILTERS_MAX = 16;

const keys = ['label', 'name', 'state', 'image', 'node', 'workload', 'health'] as const;

export const Filters = z
  .array(
    z
      .string()
      .max(512)
      .regex(new RegExp(`^(?:${keys.join('|')})=.+$`), {
        error: `must look like label=KEY=VALUE, label=KEY or ${keys.slice(1).join('=, ')}=`,
      }),
  )
  .max(FILTERS_MAX)
  .meta({ wholeWords: true })
  .default([])
  .describe('Only those of which all of these hold: label=team=web, label=team, state=running and the like.');

type Facts = Readonly<Partial<Record<(typeof keys)[number], string | null | undefined>>>;

/** Whether all of the filters hold of a row. */
export function passes(filters: readonly string[], row: Facts, labels: Readonly<Record<string, string>> = {}): boolean {
  return filters.every((filter) => {
    const [key, value = ''] = cut(filter);
    if (key !== 'label') return row[key as keyof Facts] === value;
    const [label, wanted] = cut(value);
    return Object.hasOwn(labels, label) && (wanted === undefined || labels[label] === wanted);
  });
}

/** At the first `=`; undefined where there is none. */
function cut(text: string): readonly [string, string | undefined] {
  const at = text.indexOf('=');
  return at === -1 ? [text, undefined] : [text.slice(0, at), text.slice(at + 1)];
}
