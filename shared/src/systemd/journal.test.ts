import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { journal, JOURNAL_TEXT_MAX, journalArguments, parseEntry, type JournalLine } from './journal.ts';

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

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'volt-journal-'))));
afterEach(() => rm(folder, { recursive: true }));

async function reading(script: string, signal: AbortSignal, onLine?: (line: JournalLine) => void): Promise<string[]> {
  const program = join(folder, 'journalctl');
  await writeFile(program, `#!/bin/sh\n${script}\n`);
  await chmod(program, 0o755);
  const texts: string[] = [];
  for await (const line of journal({ unit: UNIT, follow: true, tail: 1 }, signal, { journalctl: [program] })) {
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
