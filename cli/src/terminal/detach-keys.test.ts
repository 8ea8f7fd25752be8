import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DetachWatch, parseKeys } from './detach-keys.ts';

test.each([
  ['ctrl-p,ctrl-q', [16, 17]],
  ['CTRL-],x', [29, 120]],
  ['ctrl-@', [0]],
  ['', []],
])('keys %s', (text, keys) => expect([...parseKeys(text)]).toEqual(keys));

test.each(['ctrl-', 'ctrl-1', 'ab', 'ctrl-p,', 'a,b,c,d,e,f,g,h,i', 'é'])('%s are no keys', (text) =>
  expect(() => parseKeys(text)).toThrow('no keys to leave with'),
);

function typed(keys: string, chunks: readonly string[]): string {
  const watch = new DetachWatch(parseKeys(keys));
  let sent = '';
  for (const chunk of chunks) {
    const { data, isLeaving } = watch.take(Buffer.from(chunk));
    sent += Buffer.from(data).toString();
    if (isLeaving) return `${sent}|`;
  }
  return sent;
}

test.each([
  [['ab'], 'ab'],
  [['a\u0010\u0011b'], 'a|'],
  [['a\u0010', '\u0011b'], 'a|'],
  [['a\u0010', 'b'], 'a\u0010b'],
  [['\u0010\u0010', '\u0011'], '\u0010|'],
  [['\u0011\u0010'], '\u0011'],
])('of %j the program gets %j', (chunks, sent) => expect(typed('ctrl-p,ctrl-q', chunks)).toBe(sent));

test('keys that begin again within themselves', () => expect(typed('a,a,b', ['aaa', 'ab'])).toBe('aa|'));

test('without keys nothing leaves', () => expect(typed('', ['\u0010\u0011'])).toBe('\u0010\u0011'));

test('wherever it is cut, all but the keys arrives, and nothing but the keys leaves', () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 12 }),
      fc.integer({ min: 1, max: 3 }),
      (keys, cut) => {
        const text = keys.join('');
        const chunks = text.match(new RegExp(`.{1,${cut}}`, 'g')) ?? [];
        const at = text.indexOf('aab');
        const sent = typed('a,a,b', chunks);
        if (at >= 0) expect(sent).toBe(`${text.slice(0, at)}|`);
        else expect(text.startsWith(sent) && 'aab'.startsWith(text.slice(sent.length))).toBe(true);
      },
    ),
  ));
