import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { command } from '../catalog/index.ts';
import * as z from 'zod';
import { parseEnvFile, readEnvFiles } from './env-file.ts';
import { parse } from './parse.ts';

const OWN = { HOME: '/home/me', EMPTY: '' };
const of = (text: string) => parseEnvFile(text, 'web.env', OWN);

test('a value is all that follows the first =', () =>
  expect(of('A=1\nB=a=b # no comment\nC="quoted"\nD=\n  E= x \nF=$HOME\r\n')).toEqual({
    A: '1',
    B: 'a=b # no comment',
    C: '"quoted"',
    D: '',
    E: ' x ',
    F: '$HOME',
  }));

test('comments and empty lines are passed over', () => expect(of('\uFEFF# one\n\n  # two\nA=1')).toEqual({ A: '1' }));

test('a name alone hands on the caller’s, and nothing where there is none', () =>
  expect(of('HOME\nEMPTY\nMISSING')).toEqual({ HOME: '/home/me', EMPTY: '' }));

test.each([
  ['A=1\n=2', 'web.env:2: There is no name before the ='],
  ['\n\nA B=2', "web.env:3: 'A B' has a space in it: lines look like KEY=VALUE"],
  ['export A=2', "web.env:1: 'export A' has a space in it: lines look like KEY=VALUE"],
  ['1A=2', "web.env:1: '1A' is no name of an environment variable"],
  ['A=\0', 'web.env:1: This is no text'],
])('%j says where it is wrong', (text, message) => expect(() => of(text)).toThrow(message));

test('later files win over earlier ones, and what is typed over all', () => {
  const folder = mkdtempSync(join(tmpdir(), 'volt-env-'));
  try {
    const [one, two] = ['one', 'two'].map((name) => join(folder, name)) as [string, string];
    writeFileSync(one, 'A=1\nB=1\nC=1\n');
    writeFileSync(two, 'B=2\nC=2\n');
    expect(readEnvFiles([one, two], {})).toEqual({ A: '1', B: '2', C: '2' });
    const params = () => z.object({ env: z.record(z.string(), z.string()).default({}) });
    const run = command({ path: 'run', summary: '', params, short: { e: 'env' }, examples: [], run: async () => 0 });
    const parsed = parse(run, ['-e', 'C=3', '--env-file', one, '--env-file', two], {});
    expect(parsed.given).toEqual({ env: { A: '1', B: '2', C: '3' } });
    expect(parsed.values).toEqual({ env: { A: '1', B: '2', C: '3' } });
    expect(() => parse(run, ['--env-file', join(folder, 'none')], {})).toThrow('There is no file');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
