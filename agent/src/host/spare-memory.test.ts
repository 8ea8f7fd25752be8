import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { releaseSpareMemory, residentFileKib } from './spare-memory.ts';

test('may be called at any time, and changes nothing that is in use', () => {
  const held = Buffer.alloc(1024 * 1024, 'x');
  releaseSpareMemory(0);
  releaseSpareMemory(0);
  expect(held.every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
  expect(createHash('sha1').update('abc').digest('hex')).toBe('a9993e364706816aba3e25717850c26c9cd0d89d');
});

test('of a program that has just started, most is given back', () => {
  const program = `
    import { releaseSpareMemory, residentFileKib } from '${join(import.meta.dirname, 'spare-memory.ts')}';
    const before = residentFileKib();
    releaseSpareMemory(0);
    console.log(JSON.stringify([before, residentFileKib()]));`;
  const said = execFileSync(process.execPath, ['--no-warnings', '--input-type=module', '--eval', program]);
  const [before = 0, after = 0] = JSON.parse(said.toString()) as number[];
  expect(after).toBeLessThan(before / 2);
});

test('as much of it as is in use is left alone', () => {
  const before = residentFileKib();
  releaseSpareMemory(before * 2);
  expect(residentFileKib()).toBeGreaterThanOrEqual(before);
});
