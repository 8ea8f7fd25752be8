import { expect, test } from 'vitest';
import { LINE_BYTES_MAX } from '../wire/index.ts';
import { post, serveToy } from './testing/index.ts';

const TYPE = 'application/x-ndjson';

async function* texts(...all: string[]) {
  for (const text of all) yield { text };
}

test('input goes up, events come down, the result comes last', async () => {
  await using toy = await serveToy(['reader']);
  const seen: string[] = [];
  const result = await toy.client.stream(
    'echo.all',
    { prefix: '> ' },
    {
      onEvent: ({ text }) => void seen.push(text),
      input: texts('one', 'two'),
    },
  );
  expect(seen).toEqual(['> one', '> two']);
  expect(result).toEqual({ count: 2 });
});

test('a caller that goes away cancels the handler', async () => {
  await using toy = await serveToy(['reader']);
  const stop = new AbortController();
  const ticking = toy.client.stream(
    'tick.forever',
    {},
    { signal: stop.signal, onEvent: ({ n }) => void (n > 3 && stop.abort()) },
  );
  await expect(ticking).rejects.toMatchObject({ code: 'INTERRUPTED' });
  await toy.cancelled;
});

test('a slow reader slows the source instead of filling memory', async () => {
  await using toy = await serveToy(['reader']);
  const stop = new AbortController();
  let seen = 0;
  let largest = 0;
  const ticking = toy.client.stream(
    'tick.forever',
    {},
    {
      signal: stop.signal,
      onEvent: async ({ n }) => {
        largest = n;
        seen += 1;
        await new Promise((resolve) => setImmediate(resolve));
        if (seen === 2000) stop.abort();
      },
    },
  );
  await expect(ticking).rejects.toMatchObject({ code: 'INTERRUPTED' });
  expect(largest).toBe(1999);
});

test('a method that is no stream can be sent as one', async () => {
  await using toy = await serveToy(['reader']);
  const request = { jsonrpc: '2.0', id: 7, method: 'math.subtract', params: { minuend: 3, subtrahend: 1 } };
  const { text } = await post(toy.path, JSON.stringify(request), '/stream', TYPE);
  expect(JSON.parse(text)).toEqual({ jsonrpc: '2.0', id: 7, result: 2 });
});

const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'echo.all', params: { prefix: '' } });

test.each([
  ['no line at all', '', -32700],
  ['a line that is not JSON', 'hello\n', -32700],
  ['a line that is no request', '{"a":1}\n', -32600],
  ['an unknown method', '{"jsonrpc":"2.0","id":1,"method":"nope"}\n', -32601],
  ['params of the wrong shape', '{"jsonrpc":"2.0","id":1,"method":"echo.all","params":{}}\n', -32602],
  ['input of the wrong shape', `${request}\n{"jsonrpc":"2.0","method":"input","params":{"text":1}}\n`, -32602],
  ['input that is no notification', `${request}\n[]\n`, -32602],
  ['a line without end', `${request}\n"${'x'.repeat(LINE_BYTES_MAX + 2)}`, -32002],
])('%s', async (_name, body, code) => {
  await using toy = await serveToy(['reader']);
  const { status, text } = await post(toy.path, body, '/stream', TYPE);
  expect(status).toBe(200);
  expect(JSON.parse(text)).toMatchObject({ error: { code } });
});
