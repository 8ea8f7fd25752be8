/** Lengths of time as people write them. */

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `500ms`, `30s`, `1.5m`, `2h`, or plain seconds. Undefined when it is none. */
export function parseDurationMs(text: string): number | undefined {
  const [, amount, unit = 's'] = /^(\d{1,9}(?:\.\d{1,3})?)(ms|s|m|h)?$/.exec(text) ?? [];
  return amount === undefined ? undefined : Math.round(Number(amount) * unitMs[unit]!);
}
