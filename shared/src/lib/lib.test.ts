import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { closest, didYouMean } from './closest.ts';
import { lazily } from './lazily.ts';
import { splitWords } from './split-words.ts';

describe('closest', () => {
  const check = (word: string, expected: string | undefined) =>
    expect(closest(word, ['start', 'stop', 'restart', 'list', 'inspect'])).toBe(expected);

  test('one letter wrong', () => check('stpp', 'stop'));
  test('two neighbours swapped', () => check('sotp', 'stop'));
  test('one letter missing', () => check('inspct', 'inspect'));
  test('capitals do not count', () => check('LIST', 'list'));
  test('far from all says nothing', () => check('zebra', undefined));
  test('the word itself is no suggestion', () => expect(closest('stop', ['stop'])).toBeUndefined());
  test('as a hint', () => expect(didYouMean('lsit', ['list'])).toBe("did you mean 'list'?"));
});

describe('splitWords', () => {
  const check = (text: string, expected: string[] | undefined) => expect(splitWords(text)).toEqual(expected);

  test('blanks separate', () => check('  a  b\tc ', ['a', 'b', 'c']));
  test('single quotes keep blanks', () => check("nginx -g 'daemon off;'", ['nginx', '-g', 'daemon off;']));
  test('double quotes keep all but escapes', () => check('"a \\"b\\" $HOME \\n"', ['a "b" $HOME \\n']));
  test('a backslash keeps a blank', () => check('a\\ b', ['a b']));
  test('empty quotes are a word', () => check("a '' b", ['a', '', 'b']));
  test('quotes join', () => check(`a"b"'c'`, ['abc']));
  test('an open quote is refused', () => check('a "b', undefined));
  test('operators are letters', () => check('a; b && c | d', ['a;', 'b', '&&', 'c', '|', 'd']));

  test('what is quoted comes back', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (words) => {
        const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
        expect(splitWords(quoted)).toEqual(words);
      }),
    );
  });
});

describe('lazily', () => {
  const make = () => {
    const made: string[] = [];
    const maker = (name: string) => () => {
      made.push(name);
      return { name };
    };
    return { made, object: lazily({ plain: 1 }, { a: maker('a'), b: maker('b') }) };
  };

  test('nothing is made that nobody reads', () => {
    const { made, object } = make();
    expect(Object.keys(object)).toEqual(['plain', 'a', 'b']);
    expect(object.a).toEqual({ name: 'a' });
    expect(made).toEqual(['a']);
  });

  test('what was made once is kept', () => {
    const { object } = make();
    expect(object.a).toBe(object.a);
  });
});
