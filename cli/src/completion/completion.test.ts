import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { completionScripts } from './scripts.ts';
import { temporaryFolder, volt } from '../run/testing.ts';

const answers = {
  'container.list': () => [{ name: 'web' }, { name: 'worker' }, { name: 'db' }],
  'image.list': () => [{ name: 'nginx:latest' }],
  'instance.list': () => [{ name: 'web-0', workload: 'web' }],
  'node.list': () => [{ name: 'n1' }],
};

/** Asks as the scripts do; the last word is the one being typed. */
async function complete(...words: string[]) {
  const { code, stdout } = await volt(['complete', '--', ...words], { answers });
  expect(code).toBe(0);
  const lines = stdout.trimEnd().split('\n');
  return { values: lines.slice(0, -1).map((line) => line.split('\t')[0]), directive: lines.at(-1) };
}

test('the first word', async () => {
  const { values } = await complete('');
  expect(values).toContain('ps');
  expect(values).toContain('container');
});
test('a word that has begun', async () =>
  expect((await complete('con')).values).toEqual(['container', 'config', 'context']));
test('verbs of a noun', async () => expect((await complete('image', 'i')).values).toEqual(['inspect', 'import']));
test('names, asked of the server', async () =>
  expect((await complete('container', 'stop', 'w')).values).toEqual(['web', 'worker']));
test('names of images', async () =>
  expect((await complete('run', 'web', 'ng')).values).toEqual(['nginx', 'nginx:latest']));
test('several names', async () => expect((await complete('logs', 'web', 'web')).values).toEqual(['web-0', 'web']));
test('flags', async () => expect((await complete('container', 'stop', 'web', '--g')).values).toEqual(['--grace']));
test('values of a flag', async () =>
  expect((await complete('run', 'web', 'nginx', '--restart', '')).values).toEqual([
    'no',
    'on-failure',
    'always',
    'unless-stopped',
  ]));
test('values of a global flag, before the command', async () =>
  expect((await complete('-o', 'js')).values).toEqual(['json']));
test('values of a flag in one word', async () =>
  expect((await complete('ps', '--output=js')).values).toEqual(['--output=json']));
test('nodes', async () => expect((await complete('ps', '--node', '')).values).toEqual(['n1']));
test('files where files belong', async () =>
  expect((await complete('deploy', 'apply', '-f', '')).directive).toBe(':0'));
test('no files where they do not', async () => expect((await complete('container', 'stop', '')).directive).toBe(':4'));
test('behind -- it is the business of the program', async () =>
  expect(await complete('exec', 'web', '--', 'l')).toEqual({ values: [], directive: ':0' }));
test('a server that is down has no names', async () => {
  const { code, stdout, stderr } = await volt('complete -- container stop w');
  expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: ':4\n', stderr: '' });
});

/** Lets a real bash complete `line`, with a program in place of volt that prints `answer`. */
function bash(line: string, answer: string) {
  const folder = temporaryFolder();
  const program = join(folder, 'volt');
  writeFileSync(program, `#!/bin/sh\nshift 2\nprintf '[%s]' "$@" > "${folder}/asked"\ncat "${folder}/answer"\n`);
  writeFileSync(join(folder, 'answer'), answer);
  chmodSync(program, 0o755);
  const test = [
    'COMP_LINE=$1; COMP_POINT=$2',
    'compopt() { echo "compopt $*"; }',
    '_volt',
    'printf "%s\\n" "${COMPREPLY[@]}"',
    `cat "${folder}/asked"`,
  ].join('\n');
  const words = ['--norc', '-c', `${completionScripts.bash}\n${test}`, 'bash', line, String(line.length)];
  const env = { PATH: `${folder}:${process.env['PATH']}` };
  return {
    folder,
    lines: execFileSync('bash', words, { env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).split('\n'),
  };
}

test('bash hands on the words and takes the candidates', () => {
  expect(bash('volt container st', 'start\tStart it.\nstop\tStop it.\n:4\n').lines).toEqual([
    'start',
    'stop',
    '[container][st]',
  ]);
});
test('bash hands on that a word is yet to begin', () => {
  expect(bash('volt ps --node ', 'n1\t\n:4\n').lines).toEqual(['n1', '[ps][--node][]']);
});
test('bash replaces only what follows a colon', () => {
  expect(bash('volt run web nginx:la', 'nginx:latest\t\n:4\n').lines[0]).toBe('latest');
});
test('bash adds names of files where they fit', () => {
  expect(bash('volt deploy apply -f ', ':0\n').lines[0]).toBe('compopt -o default');
});
test('bash runs nothing of what was typed', () => {
  const { folder, lines } = bash('volt run $(touch ran) `touch ran` ', ':4\n');
  expect(lines.at(-1)).toBe('[run][$(touch][ran)][`touch][ran`][]');
  expect(existsSync(join(folder, 'ran')) || existsSync('ran')).toBe(false);
});
