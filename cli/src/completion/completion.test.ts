import { expect, test } from 'vitest';
import { volt } from '../run/testing.ts';

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
test('a word that has begun', async () => expect((await complete('con')).values).toEqual(['container', 'context']));
test('verbs of a noun', async () => expect((await complete('image', 'i')).values).toEqual(['inspect', 'import']));
test('names, asked of the server', async () =>
  expect((await complete('container', 'stop', 'w')).values).toEqual(['web', 'worker']));
test('names of images', async () =>
  expect((await complete('run', 'web', 'ng')).values).toEqual(['nginx', 'nginx:latest']));
test('several names', async () => expect((await complete('logs', 'web', 'web')).values).toEqual(['web-0', 'web']));
test('flags', async () => expect((await complete('container', 'stop', 'web', '--g')).values).toEqual(['--grace']));
test('values of a flag', async () =>
  expect((await complete('run', 'web', 'nginx', '--restart', '')).values).toEqual(['no', 'on-failure', 'always']));
test('values of a global flag, before the command', async () =>
  expect((await complete('-o', 'js')).values).toEqual(['json']));
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
