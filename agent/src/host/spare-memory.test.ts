import { expect, test } from 'vitest';
import { releaseSpareMemory } from './spare-memory.ts';

test('may be called at any time, and changes nothing that is in use', () => {
  const held = Buffer.alloc(1024 * 1024, 'x');
  releaseSpareMemory();
  releaseSpareMemory();
  expect(held.every((byte) => byte === 'x'.charCodeAt(0))).toBe(true);
});
