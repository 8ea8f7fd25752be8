import { expect, test } from 'vitest';
import { readTarget, TARGET_BYTES_MAX, writeTarget } from './target.ts';

test('what is written is read back, and fits', () => {
  for (const [index, port] of [
    [1, 1],
    [3, 7443],
    [64, 65535],
  ] as const) {
    const line = writeTarget(index, port);
    expect(line.length).toBeLessThanOrEqual(TARGET_BYTES_MAX);
    expect(readTarget(line.trimEnd())).toEqual({ address: `10.99.0.${index}`, port });
  }
});

test.each(['', 'node1', 'node1 0', 'node1 65536', 'node0 80', '10.0.0.1 80', 'node1 80 ', 'node1  80', 'node1 -1'])(
  '%j names no port of a node',
  (line) => expect(readTarget(line)).toBeUndefined(),
);
