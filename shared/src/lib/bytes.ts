/** Amounts of bytes as people write them. */

/** As everywhere in containers, `M` and `MiB` are powers of two; only `MB` and its like are powers of ten. */
export const bytesPerUnit: Readonly<Record<string, number>> = {
  K: 1024,
  KiB: 1024,
  kB: 1000,
  M: 1024 ** 2,
  MiB: 1024 ** 2,
  MB: 1e6,
  G: 1024 ** 3,
  GiB: 1024 ** 3,
  GB: 1e9,
  T: 1024 ** 4,
  TiB: 1024 ** 4,
  TB: 1e12,
};

/** `512M`, `1.5GiB`, or a plain number. Undefined when it is none, or more than a number holds exactly. */
export function parseBytes(text: string): number | undefined {
  const [, amount, unit = ''] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]{0,3})$/.exec(text.trim()) ?? [];
  if (amount === undefined || (unit !== '' && !Object.hasOwn(bytesPerUnit, unit))) return undefined;
  const bytes = Math.round(Number(amount) * (unit === '' ? 1 : bytesPerUnit[unit]!));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
