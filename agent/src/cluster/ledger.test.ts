import { describe, expect, test } from 'vitest';
import type { Entry } from '@volt/shared/kv';
import { anAssignment } from '@volt/shared/kv/testing';
import type { Assignment } from '@volt/shared/model';
import { emptyLedger, mergeLedger, parseLedger, type Ledger } from './ledger.ts';

/** 'web-0 r5 t2 g1': instance, revision, token, generation. '?' instead of the rest: cannot be read. */
function entry(text: string): Entry<Assignment> {
  const [instance = '', ...rest] = text.split(' ');
  if (rest[0] === '?') return { key: `a.${instance}`, revision: 99, value: null };
  const [revision, token, generation] = rest.map((word) => Number(word.slice(1)));
  return {
    key: `a.${instance}`,
    revision: revision!,
    value: anAssignment('a', instance, { token: token!, generation: generation! }),
  };
}

const show = ({ entries }: Ledger): string =>
  entries
    .map(
      ({ revision, assignment: { instance, token, generation } }) =>
        `${instance} r${revision} t${token} g${generation}`,
    )
    .join(', ');

interface Given {
  readonly known?: string[];
  readonly read: string[];
  readonly leader?: number;
}

function check({ known = [], read, leader = 1 }: Given, expected: string, refused: string[] = []): void {
  const entries = known.map(entry).map(({ revision, value }) => ({ revision, assignment: value! }));
  const merged = mergeLedger({ version: 1, token: 1, entries }, 'a', read.map(entry), leader);
  expect(show(merged.ledger)).toBe(expected);
  expect([...merged.refused.keys()]).toEqual(refused.map((instance) => `a.${instance}`));
}

describe('what is believed', () => {
  test('a new order is taken', () => check({ read: ['web-0 r1 t1 g1'] }, 'web-0 r1 t1 g1'));
  test('a changed order is taken', () =>
    check({ known: ['web-0 r1 t1 g1'], read: ['web-0 r2 t1 g2'] }, 'web-0 r2 t1 g2'));
  test('an order whose key is gone is dropped', () => check({ known: ['web-0 r1 t1 g1'], read: [] }, ''));
  test('an order that cannot be read leaves what was known', () =>
    check({ known: ['web-0 r1 t1 g1'], read: ['web-0 ?'] }, 'web-0 r1 t1 g1', ['web-0']));
  test('an unknown order that cannot be read is nothing', () => check({ read: ['web-0 ?'] }, '', ['web-0']));
  test('an order under an older token than the leader has is refused', () =>
    check({ read: ['web-0 r9 t4 g1'], leader: 5 }, '', ['web-0']));
  test('an order of an earlier leader that was taken before stands', () =>
    check({ known: ['web-0 r9 t4 g1'], read: ['web-0 r9 t4 g1'], leader: 5 }, 'web-0 r9 t4 g1'));
  test('an older revision is refused', () =>
    check({ known: ['web-0 r9 t1 g1'], read: ['web-0 r8 t1 g1'] }, 'web-0 r9 t1 g1', ['web-0']));
  test('an older generation is refused', () =>
    check({ known: ['web-0 r9 t1 g3'], read: ['web-0 r10 t1 g2'] }, 'web-0 r9 t1 g3', ['web-0']));
  test('a higher token is believed though revisions began anew', () =>
    check({ known: ['web-0 r900 t1 g3'], read: ['web-0 r2 t7 g1'], leader: 7 }, 'web-0 r2 t7 g1'));
  test('an order for another node under this node is not believed', () => {
    const foreign = { key: 'a.web-0', revision: 1, value: anAssignment('b', 'web-0') };
    expect(mergeLedger(emptyLedger, 'a', [foreign], 1).ledger.entries).toEqual([]);
  });
  test('the highest token ever seen is kept', () => {
    const { ledger } = mergeLedger(emptyLedger, 'a', [], 8);
    expect(mergeLedger(ledger, 'a', [entry('web-0 r1 t7 g1')], 3).ledger).toEqual({
      version: 1,
      token: 8,
      entries: [],
    });
  });
});

describe('the ledger as text', () => {
  test('none is an empty one', () => expect(parseLedger(undefined)).toEqual(emptyLedger));
  test('comes back as it was', () => {
    const { ledger } = mergeLedger(emptyLedger, 'a', [entry('web-0 r1 t1 g1')], 1);
    expect(parseLedger(JSON.stringify(ledger))).toEqual(ledger);
  });
  test.each(['', '{', '{"version":2,"token":0,"entries":[]}'])('damaged (%j) is an error', (text) => {
    expect(() => parseLedger(text)).toThrow(/damaged/);
  });
});
