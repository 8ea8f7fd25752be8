import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  journal,
  JOURNAL_TEXT_MAX,
  journalArguments,
  parseEntry,
  type JournalLine,
  type JournalQuery,
} from './journal.ts';

const UNIT = 'volt-container@web.service';
const entry = (fields: object) => JSON.stringify({ __REALTIME_TIMESTAMP: '1700000000123456', ...fields });

test('a line of text', () =>
  expect(parseEntry(entry({ MESSAGE: 'hello', _SYSTEMD_UNIT: UNIT }), 'x')).toEqual({
    at: new Date(1_700_000_000_123),
    unit: UNIT,
    text: 'hello',
  }));
test('bytes that are no text come as numbers', () =>
  expect(parseEntry(entry({ MESSAGE: [104, 195, 164] }), UNIT)?.text).toBe('hä'));
test('a field given twice counts once', () => expect(parseEntry(entry({ MESSAGE: ['a', 'b'] }), UNIT)?.text).toBe('a'));
test("systemd's own words belong to the unit asked for", () =>
  expect(parseEntry(entry({ MESSAGE: 'Started', _SYSTEMD_UNIT: 'init.scope' }), UNIT)?.unit).toBe(UNIT));
test('a long line is cut', () =>
  expect(parseEntry(entry({ MESSAGE: 'x'.repeat(JOURNAL_TEXT_MAX + 1) }), UNIT)?.text).toHaveLength(JOURNAL_TEXT_MAX));
test('a message that is missing is no line', () => expect(parseEntry(entry({}), UNIT)).toBeUndefined());
test('half a line is no line', () => expect(parseEntry('{"MESSAGE":', UNIT)).toBeUndefined());

test('the unit stands where it can only be a match', () => {
  const argv = journalArguments({ unit: UNIT, follow: true, tail: 5, sinceMs: 1500 });
  expect(argv.slice(-3)).toEqual(['--follow', '--since=@1.500', `_SYSTEMD_UNIT=${UNIT}`]);
});

const part = { unit: UNIT, follow: true, tail: 5, grep: 'a b', untilMs: 2500, mark: 'abc' };

test('what is wanted of it', () =>
  expect(journalArguments(part).slice(4)).toEqual([
    '--no-pager',
    '--lines=all',
    '--follow',
    '--until=@2.500',
    '--grep=a b',
    '--case-sensitive=yes',
    `_SYSTEMD_UNIT=${UNIT}`,
    'VOLT_CONTAINER=abc',
  ]));
test('from a place in it on, time and number do not count', () =>
  expect(journalArguments({ ...part, sinceMs: 1 }, 's=1').slice(4)).toEqual([
    '--no-pager',
    '--lines=all',
    '--follow',
    '--until=@2.500',
    '--grep=a b',
    '--case-sensitive=yes',
    '--cursor=s=1',
    `_SYSTEMD_UNIT=${UNIT}`,
    'VOLT_CONTAINER=abc',
  ]));

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'volt-journal-'))));
afterEach(() => rm(folder, { recursive: true }));

async function reading(
  script: string,
  signal: AbortSignal,
  onLine?: (line: JournalLine) => void,
  more: Partial<JournalQuery> = {},
): Promise<string[]> {
  const program = join(folder, 'journalctl');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const texts: string[] = [];
  for await (const line of journal({ unit: UNIT, follow: true, tail: 1, ...more }, signal, {
    journalctl: [program],
  })) {
    texts.push(line.text);
    onLine?.(line);
  }
  return texts;
}

test('lines are read until the last', async () => {
  const script = `echo '${entry({ MESSAGE: 'one' })}'; echo '${entry({ MESSAGE: 'two' })}'`;
  expect(await reading(script, new AbortController().signal)).toEqual(['one', 'two']);
});

test('following ends, and its program with it, when nobody listens', async () => {
  const stop = new AbortController();
  const script = `echo '${entry({ MESSAGE: 'one' })}'; exec sleep 1000`;
  expect(await reading(script, stop.signal, () => stop.abort())).toEqual(['one']);
});

test('the last lines of a part are found backwards, and read from the oldest of them on', async () => {
  const found = (cursor: string) => entry({ MESSAGE: cursor, __CURSOR: cursor });
  const script = `case "$*" in
    *--reverse*--lines=2*) echo '${found('newer')}'; echo '${found('older')}' ;;
    *--cursor=older*) echo '${found('older')}'; echo '${found('newer')}' ;;
  esac`;
  const texts = await reading(script, new AbortController().signal, undefined, { tail: 2, sinceMs: 5 });
  expect(texts).toEqual(['older', 'newer']);
});

test('a pattern that is found nowhere is no failure', async () =>
  expect(await reading('exit 1', new AbortController().signal, undefined, { tail: 0, grep: 'x' })).toEqual([]));

test('a pattern that is none is the mistake of who asked', async () => {
  const script = `echo 'Bad pattern "[": missing terminating ] for character class' >&2; exit 1`;
  await expect(reading(script, new AbortController().signal, undefined, { grep: '[' })).rejects.toMatchObject({
    code: 'USAGE',
    message: "The pattern '[' cannot be read: missing terminating ] for character class",
  });
});

test('a program that fails says why', async () => {
  await expect(reading('echo "No such journal" >&2; exit 1', new AbortController().signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: 'journalctl ended: No such journal',
  });
});

test('a program that is missing is a dependency', async () => {
  const lines = journal({ unit: UNIT, follow: false, tail: 1 }, new AbortController().signal, {
    journalctl: [join(folder, 'nosuch')],
  });
  await expect(lines.next()).rejects.toMatchObject({ code: 'DEPENDENCY' });
});
