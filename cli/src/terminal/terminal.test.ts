import { describe, expect, test } from 'vitest';
import { painter } from './colour.ts';
import { cut, harmless, pad, width } from './width.ts';

describe('width', () => {
  test.each([
    ['web', 3],
    ['日本', 4],
    ['한국', 4],
    ['é', 1],
    ['e\u0301', 1],
    ['👍🏽', 2],
    ['👨‍👩‍👧', 2],
    ['✔️', 2],
    ['…', 1],
  ])('%s', (text, columns) => expect(width(text)).toBe(columns));

  test('padding counts columns, not characters', () => expect(pad('日本', 6)).toBe('日本  '));
  test('a cut never splits a wide character', () => expect(cut('日本語', 4)).toBe('日…'));
  test('what fits is left alone', () => expect(cut('web', 3)).toBe('web'));
});

test('control characters from elsewhere do not reach the terminal', () => {
  expect(harmless('a\u001B[2Jb\nc\u009Bd')).toBe('a [2Jb c d');
});

describe('colour', () => {
  const painted = (mode: 'auto' | 'always' | 'never', isTerminal: boolean, env = {}) =>
    painter(mode, isTerminal, env)('red', 'x') !== 'x';

  test('auto colours a terminal', () => expect(painted('auto', true)).toBe(true));
  test('auto leaves a pipe alone', () => expect(painted('auto', false)).toBe(false));
  test('NO_COLOR turns auto off', () => expect(painted('auto', true, { NO_COLOR: '1' })).toBe(false));
  test('always beats NO_COLOR', () => expect(painted('always', false, { NO_COLOR: '1' })).toBe(true));
  test('never is never', () => expect(painted('never', true)).toBe(false));
});
