import { zstdDecompressSync } from 'node:zlib';
import { createApp, type Caller } from '@volt/shared/server';
import { expect, onTestFinished, test } from 'vitest';
import { addObjectsRoute } from './objects-route.ts';

const node: Caller = { name: 'n1', uid: null, roles: ['node'] };
const digest = 'ab'.repeat(32);

function serverFor(caller: Caller | undefined) {
  const app = createApp();
  onTestFinished(() => app.close());
  const asked: [digests: readonly string[], from: number][] = [];
  addObjectsRoute(app, {
    identify: () => caller,
    async *serve(digests, from) {
      asked.push([digests, from]);
      yield Buffer.from('some ');
      yield Buffer.from('frames');
    },
  });
  const ask = (payload: string, headers: Record<string, string> = {}) =>
    app.inject({ method: 'POST', url: '/objects', payload, headers: { 'content-type': 'text/plain', ...headers } });
  return { ask, asked };
}

test('nodes get frames, others get none', async () => {
  const { ask } = serverFor(node);
  const answer = await ask(digest);
  expect([answer.statusCode, answer.body, answer.headers['content-encoding']]).toEqual([200, 'some frames', undefined]);
  expect((await serverFor(undefined).ask(digest)).statusCode).toBe(401);
  const reader: Caller = { ...node, roles: ['reader'] };
  expect((await serverFor(reader).ask(digest)).statusCode).toBe(403);
});

test('who can unpack zstd gets it packed', async () => {
  const { ask } = serverFor(node);
  const answer = await ask(digest, { 'accept-encoding': 'gzip, zstd' });
  expect(answer.headers['content-encoding']).toBe('zstd');
  expect(zstdDecompressSync(answer.rawPayload).toString()).toBe('some frames');
});

test('one object can be asked for from a place on; a range of several, or of another kind, is left aside', async () => {
  const { ask, asked } = serverFor(node);
  const range = 'bytes=5000-';
  expect((await ask(digest, { range })).statusCode).toBe(206);
  expect((await ask(`${digest}\n${digest}`, { range })).statusCode).toBe(200);
  for (const other of ['bytes=0-', 'bytes=5-9', 'bytes=-5', 'lines=5-', `bytes=${'9'.repeat(14)}-`]) {
    expect((await ask(digest, { range: other })).statusCode).toBe(200);
  }
  expect(asked.map(([, from]) => from)).toEqual([5000, 0, 0, 0, 0, 0, 0]);
});

test('names of SHA-512 are asked for like others, as many as a request may hold', async () => {
  const { ask, asked } = serverFor(node);
  const sha512 = 'cd'.repeat(64);
  expect((await ask(Array.from({ length: 2048 }, () => sha512).join('\n'))).statusCode).toBe(200);
  expect(asked[0]?.[0]).toHaveLength(2048);
});

test.each(['../../etc/shadow', 'AB'.repeat(32), 'ab'.repeat(31), `${digest} 5`])('%s is no request', async (body) => {
  const { ask, asked } = serverFor(node);
  expect((await ask(body)).statusCode).toBe(400);
  expect(asked).toEqual([]);
});

test('more than a request may hold is no request', async () => {
  const { ask } = serverFor(node);
  expect((await ask(Array.from({ length: 2049 }, () => digest).join('\n'))).statusCode).toBe(400);
  expect((await ask('a'.repeat(300_000))).statusCode).toBe(413);
});
