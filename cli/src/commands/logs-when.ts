/** Moments as people write them: `10m` ago, `yesterday`, a date, a time of today, RFC 3339, `@` and Unix seconds. */
import { VoltError } from '@volt/shared/errors';

const unitMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
};

/** Before this the platform's dates, and journals, have nothing to tell. */
const YEARS_BACK_MAX_MS = 50 * 366 * 86_400_000;

/** As RFC 3339; without an offset a time is one of this machine's zone. USAGE, in the name of `flag`, for any other. */
export function momentOf(text: string, flag: string, now: Date): string {
  const at = read(text.trim(), now);
  if (at !== undefined && !Number.isNaN(at.getTime())) return at.toISOString();
  throw new VoltError('USAGE', `'${flag}' does not understand '${text}'`, {
    hint: `${flag} 10m, ${flag} yesterday, ${flag} '2026-01-31 08:00' or ${flag} 2026-01-31T08:00:00Z`,
  });
}

function read(text: string, now: Date): Date | undefined {
  const midnight = (days: number) => new Date(now.getFullYear(), now.getMonth(), now.getDate() + days);
  if (text === 'now') return now;
  if (text === 'today') return midnight(0);
  if (text === 'yesterday') return midnight(-1);
  const seconds = /^@(\d{1,11}(?:\.\d{1,6})?)$/.exec(text)?.[1];
  if (seconds !== undefined) return new Date(Number(seconds) * 1000);
  return ago(text, now) ?? onTheClock(text, midnight(0));
}

/** `1h30m`, `2d`; `ago` behind it and a minus before it, as journalctl has them, change nothing. */
function ago(text: string, now: Date): Date | undefined {
  const bare = text.replace(/^-/, '').replace(/ ago$/, '').replaceAll(' ', '');
  if (!/^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|[smhdw]|min))+$/.test(bare)) return undefined;
  const parts = [...bare.matchAll(/(\d+(?:\.\d+)?)(ms|min|[smhdw])/g)];
  const ms = parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * unitMs[unit === 'min' ? 'm' : unit!]!, 0);
  return ms > YEARS_BACK_MAX_MS ? undefined : new Date(now.getTime() - ms);
}

const DATE = /(?:(\d{4})-(\d\d)-(\d\d))?/.source;
const TIME = /(?:(?:^|[T ])(\d\d):(\d\d)(?::(\d\d)(\.\d{1,9})?)?)?/.source;
const OFFSET = /(Z|[+-]\d\d:?\d\d)?/.source;
const ON_THE_CLOCK = new RegExp(`^${DATE}${TIME}${OFFSET}$`, 'i');

function onTheClock(text: string, midnight: Date): Date | undefined {
  const found = ON_THE_CLOCK.exec(text);
  if (found === null || (found[1] ?? found[4]) === undefined) return undefined;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', offset = ''] = found;
  // A moment elsewhere needs to be a whole one.
  if (offset !== '' && (year === undefined || found[4] === undefined)) return undefined;
  const date = year === undefined ? isoDay(midnight) : `${year}-${month}-${day}`;
  if (!isDay(date)) return undefined;
  return new Date(`${date}T${hour}:${minute}:${second}${fraction}${offset.toUpperCase()}`);
}

const isoDay = (day: Date): string =>
  `${day.getFullYear()}-${twoDigits(day.getMonth() + 1)}-${twoDigits(day.getDate())}`;

const twoDigits = (number: number): string => String(number).padStart(2, '0');

/** The platform makes the 3rd of March of a 31st of February. */
function isDay(text: string): boolean {
  const day = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(text);
}
