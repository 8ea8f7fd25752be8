/** Values as people read them. What unit a value has is told by the end of its name. */
import { harmless, type ColourName } from '../terminal/index.ts';

/** Enough to tell digests apart; all of it is in `-o json`. */
const DIGEST_CHARACTERS = 12;

const headers: Readonly<Record<string, string>> = {
  sizeBytes: 'SIZE',
  memoryBytes: 'MEMORY',
  memoryLimitBytes: 'LIMIT',
  cpuPercent: 'CPU %',
  readBytes: 'READ',
  writtenBytes: 'WRITTEN',
  receivedBytes: 'RECEIVED',
  sentBytes: 'SENT',
  memoryMiB: 'MEMORY',
  cpuMillis: 'CPU',
  createdAt: 'CREATED',
  startedAt: 'STARTED',
  renewedAt: 'RENEWED',
  expiresAt: 'EXPIRES',
  observedAt: 'OBSERVED',
};

/** `nodesReady` is `NODES READY`. */
export const header = (column: string): string =>
  headers[column] ?? column.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();

export function cell(column: string, value: unknown, now: Date): string {
  if (value === null || value === undefined || value === '') return '-';
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value === 'number') return number(column, value);
  if (Array.isArray(value)) return value.length === 0 ? '-' : harmless(value.map(String).join(','));
  if (typeof value === 'object') return harmless(JSON.stringify(value));
  const text = harmless(typeof value === 'string' ? value : '-');
  if (column === 'digest' && /^[0-9a-f]{64}$/.test(text)) return text.slice(0, DIGEST_CHARACTERS);
  return column.endsWith('At') ? age(text, now) : text;
}

/** A row's cell. What runs and is checked says in its state whether it works. */
export function rowCell(column: string, row: Readonly<Record<string, unknown>>, now: Date): string {
  const text = cell(column, row[column], now);
  const health = column === 'state' ? row['health'] : undefined;
  return typeof health === 'string' ? `${text} (${healthMarks[health] ?? harmless(health)})` : text;
}

const healthMarks: Readonly<Record<string, string>> = { starting: 'health: starting', unknown: 'health: unknown' };

function number(column: string, value: number): string {
  if (column.endsWith('Bytes')) return bytes(value);
  if (column.endsWith('MiB')) return bytes(value * 1024 * 1024);
  if (column === 'cpuMillis') return String(value / 1000);
  return String(value);
}

const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'] as const;

/** Three digits at most: `184 MiB`, `1.5 GiB`. */
export function bytes(count: number): string {
  let amount = count;
  let unit = 0;
  while (amount >= 1023.5 && unit < byteUnits.length - 1) {
    amount /= 1024;
    unit++;
  }
  const digits = unit === 0 || amount >= 99.95 ? 0 : 1;
  return `${amount.toFixed(digits).replace(/\.0$/, '')} ${byteUnits[unit]}`;
}

const steps = [
  { seconds: 86_400, unit: 'd' },
  { seconds: 3600, unit: 'h' },
  { seconds: 60, unit: 'm' },
] as const;

/** `3m ago`, or `in 10m` for what is to come. */
export function age(instant: string, now: Date): string {
  const seconds = Math.round((now.getTime() - Date.parse(instant)) / 1000);
  if (Number.isNaN(seconds)) return instant;
  const distance = Math.abs(seconds);
  const step = steps.find((one) => distance >= one.seconds);
  const amount = step === undefined ? `${distance}s` : `${Math.floor(distance / step.seconds)}${step.unit}`;
  return seconds < 0 ? `in ${amount}` : `${amount} ago`;
}

const stateColours: Readonly<Record<string, ColourName>> = {
  running: 'green',
  ready: 'green',
  active: 'green',
  starting: 'yellow',
  stopping: 'yellow',
  progressing: 'yellow',
  pending: 'yellow',
  deleting: 'yellow',
  cordoned: 'yellow',
  failed: 'red',
  lost: 'red',
  stopped: 'dim',
  inactive: 'dim',
  gone: 'dim',
};

export const colourOf = (column: string, text: string): ColourName | undefined =>
  column === 'state' ? (stateColours[text] ?? healthColour(text)) : undefined;

function healthColour(text: string): ColourName | undefined {
  if (text.endsWith(' (healthy)')) return 'green';
  if (text.endsWith(' (unhealthy)')) return 'red';
  return text.includes(' (health: ') ? 'yellow' : undefined;
}
