import { expect, test } from 'vitest';
import { healthCheckOf } from './health.ts';
import { spec } from './testing.ts';

const image = { command: ['/bin/check'], intervalMs: 7000, retries: 9 };

test('without a word about it nothing is checked', () => {
  expect(healthCheckOf(spec('web'), undefined)).toBeUndefined();
});

test('what is not said is as for everybody', () => {
  expect(healthCheckOf(spec('web', { healthTcp: 80 }), undefined)).toEqual({
    probe: { kind: 'tcp', port: 80 },
    intervalMs: 30_000,
    timeoutMs: 5000,
    retries: 3,
    startPeriodMs: 0,
    restart: false,
  });
});

test("an image's own check is taken over, with what is said of it on top", () => {
  expect(healthCheckOf(spec('web', { healthRetries: 2, healthTimeout: '1.5s' }), image)).toMatchObject({
    probe: { kind: 'exec', command: ['/bin/check'] },
    intervalMs: 7000,
    timeoutMs: 1500,
    retries: 2,
  });
  expect(healthCheckOf(spec('web', { health: false }), image)).toBeUndefined();
});

test("an image's times are not about another check", () => {
  expect(healthCheckOf(spec('web', { healthCmd: ['true'] }), image)).toMatchObject({ intervalMs: 30_000, retries: 3 });
});

test.each([
  ['80', 80, '/'],
  ['8080/', 8080, '/'],
  ['8080/ready/now?x=1', 8080, '/ready/now?x=1'],
  ['80//x', 80, '//x'],
])('over HTTP %s is port %d and %s', (healthHttp, port, path) => {
  expect(healthCheckOf(spec('web', { healthHttp }), undefined)?.probe).toEqual({ kind: 'http', port, path });
});

test.each([
  [{ healthTcp: 80, healthHttp: '80/' }, 'cannot be used together'],
  [{ healthTcp: 80, health: false }, 'cannot be meant together'],
  [{ healthRetries: 1, health: false }, 'cannot be meant together'],
  [{ healthInterval: '5s' }, 'needs something to check'],
  [{ healthRestart: true, restart: 'always' }, 'needs something to check'],
  [{ healthTcp: 80, healthRestart: true }, 'needs a restart policy'],
  [{ healthCmd: [] }, 'needs a program'],
])('%j cannot be meant', (flags, why) => {
  expect(() => healthCheckOf(spec('web', flags), undefined)).toThrow(why);
});

test.each([
  { healthInterval: '0s' },
  { healthInterval: '25h' },
  { healthHttp: '0/' },
  { healthHttp: '70000/' },
  { healthHttp: '80/a b' },
  { healthTimeout: 'soon' },
])('%j is refused', (flags) => {
  expect(() => spec('web', flags)).toThrow();
});
