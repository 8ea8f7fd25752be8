import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { spreadFolders } from './spread-folders.ts';

function folderIn(parent: string): string {
  const folder = mkdtempSync(join(parent, 'volt-spread-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

const flagsOf = (folder: string): string => execFileSync('lsattr', ['-d', folder], { encoding: 'utf8' }).split(' ')[0]!;

const isExt = execFileSync('stat', ['-f', '-c', '%T', tmpdir()], { encoding: 'utf8' }).startsWith('ext');

test.runIf(isExt)('a folder on ext4 gets the flag beside those it has, and may get it twice', () => {
  const folder = folderIn(tmpdir());
  execFileSync('chattr', ['+d', folder]);
  for (let turn = 0; turn < 2; turn++) {
    spreadFolders(folder);
    expect(flagsOf(folder)).toContain('T');
    expect(flagsOf(folder)).toContain('d');
  }
});

test.runIf(existsSync('/proc/self'))('a file system without such flags is left alone', () => {
  expect(() => spreadFolders('/proc/self')).not.toThrow();
});
