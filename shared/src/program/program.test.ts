import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceAsset } from './assets.ts';
import { asset, isSingleBinary, version } from './index.ts';

let top: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'volt-assets-'));
  mkdirSync(join(top, 'agent/assets'), { recursive: true });
  writeFileSync(join(top, 'agent/assets/greeting.txt'), 'hello');
  writeFileSync(join(top, 'package.json'), '{}');
});
afterEach(() => rmSync(top, { recursive: true, force: true }));

test('from source, an asset is a file of the source tree', () => {
  expect(isSingleBinary).toBe(false);
  expect(sourceAsset(top, 'agent/assets/greeting.txt')?.toString()).toBe('hello');
});

test.each([
  ['an absent asset', 'agent/assets/none.txt'],
  ['a file that is no asset', 'package.json'],
  ['a way round to a file that is no asset', 'agent/assets/../../package.json'],
  ['an absolute path', '/etc/assets/passwd'],
  ['a folder', 'agent/assets'],
])('%s is undefined', (_, name) => expect(sourceAsset(top, name)).toBeUndefined());

test('there is no asset outside the source tree', () => expect(asset('../assets/secret')).toBeUndefined());
test('the version is the one of the package', () => expect(version).toMatch(/^\d+\.\d+\.\d+\+source$/));
