import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { basesInUse, parseState, readState, writeState, type LabState } from './state.ts';

const state: LabState = { version: 1, name: 'volt', nodes: 3, base: '/lab/base-0123456789abcdef' };
let dir = '';

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'volt-lab-state-'));
});
afterEach(() => rm(dir, { recursive: true }));

test('what is written is read back, and no other file is left', async () => {
  const path = join(dir, 'labs/volt/lab.json');
  await writeState(path, state);
  await writeState(path, { ...state, nodes: 5 });
  expect(await readState(path)).toEqual({ ...state, nodes: 5 });
  expect(await readdir(join(dir, 'labs/volt'))).toEqual(['lab.json']);
});

test('an absent file is an absent lab', async () => expect(await readState(join(dir, 'lab.json'))).toBeUndefined());

test.each(['', '{', '{}', '[]', '{"version":2}', JSON.stringify({ ...state, nodes: 0 })])(
  'a state file of %j is refused',
  (text) => expect(() => parseState(text, 'lab.json')).toThrow(expect.objectContaining({ code: 'INVALID_CONFIG' })),
);

test('a base is in use as long as one readable lab stands on it', async () => {
  await writeState(join(dir, 'labs/one/lab.json'), state);
  await writeState(join(dir, 'labs/broken/lab.json'), state);
  await writeFile(join(dir, 'labs/broken/lab.json'), '{');
  expect(await basesInUse(dir)).toEqual([state.base]);
  expect(await basesInUse(join(dir, 'nowhere'))).toEqual([]);
});
