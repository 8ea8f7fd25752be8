import { expect, test } from 'vitest';
import { rooms } from '../rooms.ts';
import { checkArrows } from './arrows.ts';
import { checkPage } from './docs.ts';
import { checkShape } from './shape-rules.ts';
import { parseSource, type Failure, type Source } from './source.ts';
import { checkPath, checkText, checkWords } from './words.ts';

const rulesOf = (failures: readonly Failure[]) => failures.map(({ line, rule }) => `${line}: ${rule}`);

/** One file with this text, seen by one group of rules: the lines and rules it breaks. */
function check(rules: (source: Source) => Failure[], path: string, text: string, expected: readonly string[]): void {
  expect(rulesOf(rules(parseSource(path, text)))).toEqual(expected);
}

/** A file that imports this: the rule it breaks, or nothing. */
function arrow(from: string, specifier: string, expected = ''): void {
  const failures = checkArrows(parseSource(from, `import { x } from '${specifier}';`));
  expect(failures.map(({ rule }) => rule).join()).toBe(expected);
}

const PLAN = 'controller/src/scheduler/rank.ts';

test('a room may enter a room of its row', () => arrow('agent/src/engine/a.ts', '../store/index.ts'));
test('a room may not enter any other', () =>
  arrow('agent/src/store/a.ts', '../engine/index.ts', 'agent/store imports agent/engine'));
test('shared rooms are entered by name', () => arrow('agent/src/api/a.ts', '@volt/shared/errors'));
test('an arrow by name counts as one', () =>
  arrow('agent/src/network/a.ts', '@volt/shared/kv', 'agent/network imports shared/kv'));
test('a file of the same room', () => arrow('agent/src/engine/drivers/a.ts', '../plan.ts'));
test('a side door', () => arrow('agent/src/engine/a.ts', '../store/gc.ts', 'a side door: agent/src/store/gc.ts'));
test('a side door by name', () =>
  arrow('agent/src/engine/a.ts', '@volt/shared/errors/codes', 'a side door: @volt/shared/errors/codes'));
test('a path into another package', () =>
  arrow('agent/src/api/a.ts', '../../../shared/src/errors/index.ts', 'a path from agent into shared'));
test('programs do not know each other', () =>
  arrow('cli/src/commands/a.ts', '@volt/agent/engine', 'cli imports agent'));
test('e2e does not reach inside', () =>
  arrow('e2e/scenarios/a.test.ts', '@volt/agent/host', 'e2e/scenarios imports agent'));
test('contracts reach inside', () => arrow('e2e/contracts/a.test.ts', '../../agent/src/host/systemd.contract.ts'));
test('e2e folders have doors', () => arrow('e2e/scenarios/a.test.ts', '../lab/index.ts'));
test('and no side doors', () => arrow('e2e/bench/main.ts', '../lab/node.ts', 'a side door: e2e/lab/node.ts'));
test('nothing imports main.ts', () => arrow('agent/src/api/a.ts', '../main.ts', 'nothing imports main.ts'));
test('but the entry', () => arrow('scripts/volt-entry.ts', '../agent/src/main.ts'));
test('a top file wires any room', () => arrow('agent/src/main.ts', './engine/index.ts'));
test('a top file uses the doors', () =>
  arrow('agent/src/main.ts', './engine/plan.ts', 'a side door: agent/src/engine/plan.ts'));
test('no room imports a top file', () => arrow('agent/src/api/a.ts', '../settings.ts', 'a room imports a top file'));
test('a package of the row', () => arrow('agent/src/api/a.ts', 'fastify'));
test('a package of another row', () => arrow('agent/src/network/a.ts', 'fastify', 'agent/network holds fastify'));
test('only host runs programs', () =>
  arrow('agent/src/engine/a.ts', 'node:child_process', 'agent/engine holds node:child_process'));
test('host may hold any module of Node', () => arrow('agent/src/host/a.ts', 'node:child_process'));
test('tests hold what they like', () => arrow('agent/src/network/a.test.ts', 'vitest'));
test('tests use what another room offers to tests', () => arrow('agent/src/engine/a.test.ts', '../host/testing.ts'));
test('also a folder of such things', () => {
  arrow('controller/src/scheduler/a.test.ts', '@volt/shared/kv/testing');
  arrow('controller/src/scheduler/a.ts', '@volt/shared/kv/testing', 'a side door: @volt/shared/kv/testing');
});
test('scripts use the doors of e2e', () => arrow('scripts/quickstart/a.ts', '../../e2e/lab/index.ts'));
test('a room without a row', () => {
  const failures = checkArrows(parseSource('agent/src/magic/a.ts', ''));
  expect(rulesOf(failures)).toEqual([`1: room 'agent/magic' is not in the table`]);
});

test('every way to import is seen', () => {
  const text = `export * from '@volt/shared/kv';
export { a } from '@volt/shared/kv';
const b = await import('@volt/shared/kv');
type C = import('@volt/shared/kv').C;
import type { D } from '@volt/shared/kv';`;
  const failures = checkArrows(parseSource('agent/src/network/a.ts', text));
  expect(failures.map(({ line }) => line).toSorted()).toEqual([1, 2, 3, 4, 5]);
});

test('every arrow of the table leads to a room of the table', () => {
  for (const { imports } of Object.values(rooms))
    for (const name of imports) expect(Object.keys(rooms)).toContain(name);
});

test('the table has no circles', () => {
  const reaches = (from: string, seen: string[]): void => {
    expect(seen).not.toContain(from);
    for (const next of rooms[from]?.imports ?? []) reaches(next, [...seen, from]);
  };
  for (const name of Object.keys(rooms)) reaches(name, []);
});

test('a long file', () => check(checkShape, 'a.ts', 'f();\n'.repeat(401), ['1: 401 lines, the limit is 400']));
test('a file at the limit', () => check(checkShape, 'a.ts', 'f();\n'.repeat(400), []));
test('tests may be longer', () => check(checkShape, 'a.test.ts', 'f();\n'.repeat(800), []));
test('a long line', () => check(checkShape, 'a.ts', `// ${'x'.repeat(118)}`, ['1: 121 columns, the limit is 120']));
test('a long function', () =>
  check(checkShape, 'a.ts', `\nfunction f() {${'\n'.repeat(60)}}`, ['2: a function of 61 lines, the limit is 60']));
test('many parameters', () =>
  check(checkShape, 'a.ts', 'const f = (a, b, c, d, e) => a;', ['1: 5 parameters, the limit is 4']));
test('an endless interface', () => {
  const methods = Array.from({ length: 13 }, (_, index) => `m${index}(): void;`).join('\n');
  check(checkShape, 'a.ts', `interface Port { ${methods} }`, ['1: interface Port has 13 methods, the limit is 12']);
});
test('a door only exports', () => {
  const text = `export { a } from './a.ts';\nexport const b = 1;`;
  check(checkShape, 'agent/src/store/index.ts', text, ['1: a door does more than export']);
});
test('a wide door', () => {
  const text = `export * from './a.ts';\n`.repeat(21);
  check(checkShape, 'agent/src/store/index.ts', text, ['1: a door of more than 20 lines']);
});

test('a pure room does not wait', () => check(checkShape, PLAN, 'async function f() {}', ['1: async in a pure file']));
test('a pure room has no clock', () => check(checkShape, PLAN, '\nDate.now();', ['2: Date.now in a pure file']));
test('nor another', () => check(checkShape, PLAN, 'new Date();', ['1: new Date() in a pure file']));
test('a given time is fine', () => check(checkShape, PLAN, 'new Date(now);', []));
test('every plan.ts is pure', () =>
  check(checkShape, 'agent/src/engine/plan.ts', 'Math.random();', ['1: Math.random in a pure file']));

test.each([
  ['// FIXME', 'FIXME'],
  ['// TODO later', 'TODO without an issue'],
  ['x as any', 'as any'],
  ['// @ts-ignore', 'a silenced compiler'],
  ['// @ts-expect-error', 'a silenced compiler'],
  ['test.skip(', 'a skipped test'],
  ['test.only(', 'a focused test'],
])('%s is banned', (text, rule) => expect(rulesOf(checkText('a.ts', `ok\n${text}`))).toEqual([`2: ${rule}`]));

test.each(['// TODO(#12) later', 'as many', 'list.skipped(', 'onlyOne('])('%s is fine', (text) =>
  expect(checkText('a.ts', text)).toEqual([]),
);

test.each(['agent/src/engine/types.ts', 'shared/src/utils/a.ts', 'cli/src/output/table-helpers.ts', 'e2e/common/a.ts'])(
  'a path %s is banned',
  (path) => expect(checkPath(path)).toHaveLength(1),
);
test('an ordinary path', () => expect(checkPath('agent/src/engine/reconcile.test.ts')).toEqual([]));
test('names of things', () =>
  check(checkWords, 'a.ts', 'class UnitManager {}\ninterface IDriver {}\nclass DriverImpl {}', [
    `1: the name 'UnitManager' (manager)`,
    `2: the name 'IDriver' (I prefix)`,
    `3: the name 'DriverImpl' (Impl)`,
  ]));

const page = (text: string, path = 'docs/ARCHITECTURE.md') =>
  rulesOf(checkPage({ path, text }, 'export function plan(a) {}', (target) => target === 'docs/here.md'));

test('a function that exists', () => expect(page('see `plan()` and `scheduler.plan(x)`')).toEqual([]));
test('a function that does not', () => expect(page('\nsee `plot()`')).toEqual(['2: `plot()` does not exist']));
test('other pages may speak of the world', () => expect(page('see `open()`', 'docs/howto/a.md')).toEqual([]));
test('a link that leads somewhere', () => expect(page('[a](here.md#b) [c](https://d.e) [f](#g)')).toEqual([]));
test('a link that does not', () =>
  expect(page('[a](../gone.md)')).toEqual(['1: a link to gone.md, which is not there']));
