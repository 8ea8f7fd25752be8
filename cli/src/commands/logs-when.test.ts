import { VoltError } from '@volt/shared/errors';
import { expect, test } from 'vitest';
import { momentOf } from './logs-when.ts';

const now = new Date(2026, 0, 31, 12, 30);
const local = (...at: [number, number, number, number?, number?, number?]) => new Date(...at).toISOString();

test.each([
  ['now', local(2026, 0, 31, 12, 30)],
  ['10m', local(2026, 0, 31, 12, 20)],
  ['90s', local(2026, 0, 31, 12, 28, 30)],
  ['1h30m', local(2026, 0, 31, 11)],
  ['-2d', new Date(now.getTime() - 172_800_000).toISOString()],
  ['10 min ago', local(2026, 0, 31, 12, 20)],
  ['today', local(2026, 0, 31)],
  ['yesterday', local(2026, 0, 30)],
  ['2026-01-02', local(2026, 0, 2)],
  ['2026-01-02 03:04', local(2026, 0, 2, 3, 4)],
  ['2026-01-02T03:04:05', local(2026, 0, 2, 3, 4, 5)],
  ['08:15', local(2026, 0, 31, 8, 15)],
  ['2026-01-02T03:04:05Z', '2026-01-02T03:04:05.000Z'],
  ['2026-01-02T03:04:05.123456+02:00', '2026-01-02T01:04:05.123Z'],
  ['2026-01-02 03:04-0130', '2026-01-02T04:34:00.000Z'],
  ['@1700000000', '2023-11-14T22:13:20.000Z'],
])('%s', (text, expected) => expect(momentOf(text, '--since', now)).toBe(expected));

test.each(['', 'soon', '10', '10 parsecs', '2026-02-31', '2026-13-01', '25:00', '08:15Z', '2026-01-02Z', '9999w'])(
  "no moment: '%s'",
  (text) => expect(() => momentOf(text, '--since', now)).toThrow(VoltError),
);
