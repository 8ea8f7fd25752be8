/** The units people write in a manifest, turned into the whole numbers that a spec holds. */
import { bytesPerUnit } from '../lib/index.ts';

const MIB = 1024 * 1024;

/** Such as `512MiB`, `1.5G`; rounded up to whole MiB. Undefined when it is none. */
export function parseMemoryMiB(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,15}(?:\.\d{1,9})?)\s*([A-Za-z]{1,3})$/.exec(text.trim()) ?? [];
  if (amount === undefined || unit === undefined || !Object.hasOwn(bytesPerUnit, unit)) return undefined;
  return Math.ceil((Number(amount) * bytesPerUnit[unit]!) / MIB);
}

/** Cores, such as 0.5 or 2; rounded up to thousandths. Undefined when it is none. */
export function parseCpuMillis(cores: number | string): number | undefined {
  const text = String(cores).trim();
  if (!/^\d{1,6}(?:\.\d{1,9})?$/.test(text)) return undefined;
  // Rounded first: 0.07 * 1000 is 70.00000000000001.
  return Math.ceil(Number((Number(text) * 1000).toFixed(6)));
}
