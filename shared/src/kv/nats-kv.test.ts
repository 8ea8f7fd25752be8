import { headers } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import type { NatsLine } from './nats-connection.ts';
import { NatsKv, type Stored } from './nats-kv.ts';

function marker(key: string, revision: number): Stored {
  const own = headers();
  own.set('KV-Operation', 'DEL');
  return { key, revision, headers: own, bytes: new Uint8Array() };
}

/** Reading alone, so no line is used. */
const reading = (...stored: Stored[]) =>
  new NatsKv(undefined as unknown as NatsLine, { readAll: async () => stored, readOne: async () => undefined });

test('a key that was deleted is not there', async () => {
  expect(await reading(marker('a.web-0', 7)).list('assignments', 'a')).toEqual([]);
});

test('a deletion later than what is known of the key is believed', async () => {
  expect(await reading(marker('a.web-0', 7)).list('assignments', 'a', new Map([['a.web-0', 6]]))).toEqual([]);
});

test('a deletion older than what is known of the key comes from a replica that is behind', async () => {
  const known = new Map([['a.web-0', 8]]);
  expect(await reading(marker('a.web-0', 7)).list('assignments', 'a', known)).toEqual([
    { key: 'a.web-0', revision: 7, value: null },
  ]);
});
