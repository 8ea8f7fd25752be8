import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isInGroup, userName, type AccountFiles } from './users.ts';

const passwd = `root:x:0:0:root:/root:/bin/bash
anna:x:1000:1000:Anna,,,:/home/anna:/bin/bash
ben:x:1001:990::/home/ben:/bin/sh
eve:x:1002:1002::/home/eve:/bin/sh
# a comment
broken:x::0::/:/bin/sh
+::::::
`;
const group = `root:x:0:
volt:x:990:anna,ghost
eve:x:1002:
empty:x::eve
`;

let folder: string;
let files: AccountFiles;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-users-'));
  files = { passwd: join(folder, 'passwd'), group: join(folder, 'group') };
  writeFileSync(files.passwd, passwd);
  writeFileSync(files.group, group);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const caller = (uid: number, gid: number, groups: number[] = []) => ({ uid, gid, groups });

test.each([
  ['a member listed by name', caller(1000, 1000), 'volt', true],
  ['a user whose primary group it is', caller(1001, 1001), 'volt', true],
  ['a process running under the group', caller(1002, 990), 'volt', true],
  ['a process with the supplementary group', caller(1002, 1002, [4, 990]), 'volt', true],
  ['a stranger', caller(1002, 1002, [4]), 'volt', false],
  ['a uid without an account', caller(4242, 4242), 'volt', false],
  ['a group that does not exist', caller(1000, 1000), 'wheel', false],
  ['a group without a number', caller(1002, 1002), 'empty', false],
])('%s: %o in %s is %s', (_, who, name, expected) => expect(isInGroup(who, name, files)).toBe(expected));

test('names come from the file', () => expect(userName(1000, files)).toBe('anna'));
test('an account without a uid is not root', () => expect(userName(0, files)).toBe('root'));
test('an unknown user is shown by number', () => expect(userName(4242, files)).toBe('uid:4242'));

test('a removed member is out at once', () => {
  writeFileSync(files.group, group.replace('anna,ghost', 'ghost'));
  expect(isInGroup(caller(1000, 1000), 'volt', files)).toBe(false);
});

test('without files there are no members', () => {
  rmSync(files.group);
  rmSync(files.passwd);
  expect(isInGroup(caller(1000, 1000), 'volt', files)).toBe(false);
  expect(userName(1000, files)).toBe('uid:1000');
});
