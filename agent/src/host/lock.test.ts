import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { holdLock } from './lock.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('one holder at a time, and the next after it', () => {
  const path = join(folder, 'locks/daemon.lock');
  const held = holdLock(path, 'An agent');
  expect(() => holdLock(path, 'An agent')).toThrow(expect.objectContaining({ code: 'CONFLICT' }));
  held.release();
  holdLock(path, 'An agent').release();
});

test('other programs see it held', () => {
  const path = join(folder, 'daemon.lock');
  const tryIt = () => execFileSync('flock', ['--nonblock', path, 'true'], { stdio: 'pipe' });
  const held = holdLock(path, 'An agent');
  expect(tryIt).toThrow();
  held.release();
  expect(tryIt).not.toThrow();
});
