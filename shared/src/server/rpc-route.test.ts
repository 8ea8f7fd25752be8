import { expect, test } from 'vitest';
import { BATCH_MAX, RPC_BODY_BYTES_MAX } from '../wire/index.ts';
import { post, serveToy, toyTable } from './testing/index.ts';

const call = (extra: object) => ({
  jsonrpc: '2.0',
  method: 'math.subtract',
  params: { minuend: 42, subtrahend: 23 },
  ...extra,
});
const error = (id: unknown, code: number) => ({ jsonrpc: '2.0', id, error: expect.objectContaining({ code }) });
const ok = (id: unknown) => ({ jsonrpc: '2.0', id, result: 19 });

/** The cases of JSON-RPC 2.0, sections 4 to 7, and those it implies. `null`: no answer at all. */
const cases: [string, unknown, unknown][] = [
  ['a call', call({ id: 1 }), ok(1)],
  ['an id that is a string', call({ id: 'x' }), ok('x')],
  ['an id that is null', call({ id: null }), ok(null)],
  ['a notification', call({}), null],
  ['a notification of an unknown method', { jsonrpc: '2.0', method: 'foobar' }, null],
  ['malformed JSON', '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]', error(null, -32700)],
  ['an empty body', '', error(null, -32700)],
  ['a request that is no request', { jsonrpc: '2.0', method: 1, params: 'bar' }, error(null, -32600)],
  ['null', null, error(null, -32600)],
  ['a number', 1, error(null, -32600)],
  ['params that are no structure', call({ id: 1, params: 'bar' }), error(null, -32600)],
  ['an id that is an object', call({ id: {} }), error(null, -32600)],
  ['no version', { method: 'math.subtract', id: 1 }, error(null, -32600)],
  ['another version', call({ jsonrpc: '1.0', id: 1 }), error(null, -32600)],
  ['an unknown method', { jsonrpc: '2.0', method: 'foobar', id: '1' }, error('1', -32601)],
  ['a method of Object', { jsonrpc: '2.0', method: 'toString', id: 1 }, error(1, -32601)],
  ['a method that would be a prototype', { jsonrpc: '2.0', method: '__proto__', id: 1 }, error(1, -32601)],
  ['params by position', call({ id: 1, params: [42, 23] }), error(1, -32602)],
  ['params of the wrong type', call({ id: 1, params: { minuend: 'x', subtrahend: 1 } }), error(1, -32602)],
  ['missing params', { jsonrpc: '2.0', method: 'math.subtract', id: 1 }, error(1, -32602)],
  ['a stream', { jsonrpc: '2.0', method: 'echo.all', id: 1, params: { prefix: '' } }, error(1, -32602)],
  ['an empty batch', [], error(null, -32600)],
  ['a batch of one rubbish', [1], [error(null, -32600)]],
  ['a batch of rubbish', [1, 2, 3], [error(null, -32600), error(null, -32600), error(null, -32600)]],
  ['a batch of one call', [call({ id: 1 })], [ok(1)]],
  ['a batch of calls and a notification', [call({ id: 1 }), call({}), call({ id: 2 })], [ok(1), ok(2)]],
  ['a batch of notifications', [call({}), call({})], null],
  ['a batch with an error in it', [call({ id: 1 }), { foo: 'boo' }], [ok(1), error(null, -32600)]],
  ['a batch that is too large', Array.from({ length: BATCH_MAX + 1 }, (_, id) => call({ id })), error(null, -32600)],
  [
    'discovery',
    { jsonrpc: '2.0', method: 'rpc.discover', id: 1 },
    { jsonrpc: '2.0', id: 1, result: { openrpc: '1.3.2' } },
  ],
];

test.each(cases)('%s', async (_name, body, expected) => {
  await using toy = await serveToy(['reader']);
  const { status, text } = await post(toy.path, typeof body === 'string' ? body : JSON.stringify(body));
  expect(status).toBe(expected === null ? 204 : 200);
  expect(expected === null ? text : JSON.parse(text)).toEqual(expected ?? '');
});

test('a body over the limit is refused without being read to its end', async () => {
  await using toy = await serveToy(['reader']);
  const { status } = await post(toy.path, ' '.repeat(RPC_BODY_BYTES_MAX + 1));
  expect(status).toBe(413);
});

test('a body that is not JSON by its type is refused', async () => {
  await using toy = await serveToy(['reader']);
  expect((await post(toy.path, 'a=b', '/rpc', 'application/x-www-form-urlencoded')).status).toBe(415);
});

test('a caller that cannot be identified gets a bare 401, whatever the method', async () => {
  await using toy = await serveToy('stranger');
  for (const method of [...Object.keys(toyTable), 'rpc.discover']) {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} });
    for (const path of ['/rpc', '/stream']) {
      const type = path === '/rpc' ? 'application/json' : 'application/x-ndjson';
      expect(await post(toy.path, body, path, type)).toEqual({ status: 401, text: '' });
    }
  }
  expect(toy.trail).toEqual([]);
});

test('an error of a handler keeps its code, message and hint', async () => {
  await using toy = await serveToy(['reader']);
  await expect(toy.client.call('fail.with', { how: 'not-found' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: "No door 'x'",
    hint: 'look elsewhere',
  });
});

test.each(['bug', 'shape'] as const)(
  'a %s of ours tells the caller nothing of its cause, and the log all',
  async (how) => {
    await using toy = await serveToy(['reader']);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'fail.with', params: { how } });
    const { text } = await post(toy.path, body);
    expect(JSON.parse(text)).toMatchObject({ error: { code: -32001 } });
    expect(text).not.toContain('secret');
    expect(toy.logged).toHaveLength(1);
  },
);

test('a change without permission is refused and recorded all the same', async () => {
  await using toy = await serveToy(['reader']);
  await expect(toy.client.call('door.open', { name: 'x' })).rejects.toMatchObject({ code: 'PERMISSION' });
  expect(toy.trail).toEqual([{ method: 'door.open', action: 'door.open', resource: 'x' }]);
});
