import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { clusterFiles, keyFingerprint, makeKey, RevokedKeys } from '@volt/shared/pki';
import { keepRevoked } from './keep-revoked.ts';

const theirs = createPublicKey(makeKey());
const others = createPublicKey(makeKey());

function node() {
  const dir = mkdtempSync(join(tmpdir(), 'volt-revoked-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  const path = join(dir, clusterFiles.revoked.name);
  const writes: string[] = [];
  const files = {
    read: async () => (writes.length === 0 ? undefined : readFileSync(path, 'utf8')),
    write: async (_path: string, text: string) => {
      writes.push(text);
      writeFileSync(path, text);
    },
  };
  return { dir, writes, watch: { files, revoked: new RevokedKeys() } };
}

test('a key that was revoked is refused at once, and from the next start on', async () => {
  const { dir, watch } = node();
  await keepRevoked(watch, [keyFingerprint(theirs)]);
  for (const revoked of [watch.revoked, await RevokedKeys.load(dir)]) {
    expect([revoked.has(theirs), revoked.has(others)]).toEqual([true, false]);
  }
});

test('the same list again, or none from the beginning, writes nothing', async () => {
  const { watch, writes } = node();
  await keepRevoked(watch, []);
  expect(writes).toEqual([]);
  for (const keys of [
    ['b', 'a'],
    ['a', 'b'],
  ])
    await keepRevoked(watch, keys);
  expect(writes).toHaveLength(1);
});

test('a damaged list does not keep the node from starting', async () => {
  const { dir } = node();
  writeFileSync(join(dir, clusterFiles.revoked.name), '{');
  expect((await RevokedKeys.load(dir)).has(theirs)).toBe(false);
});
