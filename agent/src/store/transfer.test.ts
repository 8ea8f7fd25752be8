import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { fetchObjects, type ObjectSource } from './fetch.ts';
import { INLINE_BYTES_MAX } from './ingest.ts';
import { tempStore, type TempStore } from './testing.ts';
import { receiveObjects, REQUEST_DIGESTS_MAX, serveObjects } from './transfer.ts';

const { signal } = new AbortController();

async function join(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

async function* inChunks(bytes: Buffer, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Objects of many sizes, the large ones streamed. */
async function fill(store: TempStore): Promise<Map<string, number>> {
  await using batch = store.objects.ingest();
  const wanted = new Map<string, number>();
  for (const size of [0, 1, 100, 5000, 300_000, INLINE_BYTES_MAX + 1, 3 * INLINE_BYTES_MAX]) {
    const { digest } = await batch.putStream(inChunks(Buffer.alloc(size, `${size}`), 100_000));
    wanted.set(digest, size);
  }
  for (let n = 0; n < 50; n++) wanted.set(await batch.putBytes(Buffer.from(`small ${n + 10}`)), 8);
  await batch.commit();
  return wanted;
}

const peerOf = (name: string, store: TempStore): ObjectSource & { asked: number } => ({
  name,
  asked: 0,
  async fetch(digests) {
    this.asked += digests.length;
    return serveObjects(store.objects, digests);
  },
});

async function fetchInto(
  store: TempStore,
  wanted: ReadonlyMap<string, number>,
  peers: ObjectSource[],
  extra = {},
): Promise<void> {
  await using batch = store.objects.ingest();
  await fetchObjects({ wanted, peers, batch, signal, ...extra });
  await batch.commit();
}

const hasAll = (store: TempStore, wanted: ReadonlyMap<string, number>): boolean =>
  [...wanted.keys()].every((digest) => store.objects.has(digest));

describe('the frames', () => {
  test('are digest, length and contents, and an absent object has the length 2^64 - 1', async () => {
    const { objects } = await tempStore();
    const digest = await objects.put(Buffer.from('hello'));
    const absent = '0'.repeat(64);
    const bytes = await join(serveObjects(objects, [digest, absent]));
    expect(bytes.toString('hex')).toBe(
      `${digest}0000000000000005${Buffer.from('hello').toString('hex')}${absent}ffffffffffffffff`,
    );
  });

  test.each([1, 4001, 1 << 20])('are read in chunks of %i bytes', async (size) => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = size === 1 ? new Map([[await from.objects.put(Buffer.from('x')), 1]]) : await fill(from);
    const bytes = await join(serveObjects(from.objects, [...wanted.keys()]));
    await using batch = to.objects.ingest();
    for await (const got of receiveObjects(inChunks(bytes, size), [...wanted.keys()], batch)) {
      expect(got.sizeBytes).toBe(wanted.get(got.digest));
    }
    await batch.commit();
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('are not made for what is no digest, or for too many', async () => {
    const { objects } = await tempStore();
    const usage = expect.objectContaining({ code: 'USAGE' });
    expect(() => serveObjects(objects, ['../../etc/shadow'])).toThrow(usage);
    const many = Array.from({ length: REQUEST_DIGESTS_MAX + 1 }, () => '0'.repeat(64));
    expect(() => serveObjects(objects, many)).toThrow(usage);
  });
});

describe('a broken answer is refused:', () => {
  const head = (digest: string, length: bigint): Buffer => {
    const bytes = Buffer.alloc(40);
    bytes.write(digest, 'hex');
    bytes.writeBigUInt64BE(length, 32);
    return bytes;
  };
  const digest = 'a'.repeat(64);
  const answers: Record<string, Buffer> = {
    'cut short in a head': head(digest, 5n).subarray(0, 39),
    'cut short in an object': Buffer.concat([head(digest, 5n), Buffer.from('hel')]),
    'cut short in a large object': Buffer.concat([head(digest, BigInt(2 * INLINE_BYTES_MAX)), Buffer.from('hel')]),
    'other contents': Buffer.concat([head(digest, 5n), Buffer.from('hello')]),
    'another object': head('b'.repeat(64), 0n),
    'an object without end': head(digest, 2n ** 63n),
    'more than was asked for': Buffer.concat([head(digest, 2n ** 64n - 1n), Buffer.from('x')]),
    empty: Buffer.alloc(0),
  };
  test.each(Object.entries(answers))('%s', async (_name, bytes) => {
    const { objects } = await tempStore();
    await using batch = objects.ingest();
    const reading = (async () => {
      for await (const got of receiveObjects(inChunks(bytes, 16), [digest], batch))
        expect(got.sizeBytes).toBeUndefined();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'NETWORK' });
    expect(await batch.commit()).toEqual({ objects: 0, sizeBytes: 0 });
  });
});

describe('fetching', () => {
  test('spreads over the peers and reports progress', async () => {
    const [a, b, to] = [await tempStore(), await tempStore(), await tempStore()];
    await fill(b);
    const wanted = await fill(a);
    await using batch = a.objects.ingest();
    await using batchB = b.objects.ingest();
    for (let n = 0; n < 5; n++) {
      const bytes = Buffer.alloc(8 * INLINE_BYTES_MAX, n + 1);
      wanted.set((await batch.putStream(inChunks(bytes, 1 << 20))).digest, bytes.length);
      await batchB.putStream(inChunks(bytes, 1 << 20));
    }
    await batch.commit();
    await batchB.commit();
    const peers = [peerOf('a', a), peerOf('b', b)];
    const seen: number[] = [];
    await fetchInto(to, wanted, peers, { onProgress: (progress: { objects: number }) => seen.push(progress.objects) });
    expect(hasAll(to, wanted)).toBe(true);
    expect(peers.every((peer) => peer.asked > 0)).toBe(true);
    expect(peers[0]!.asked + peers[1]!.asked).toBe(wanted.size);
    expect(seen.at(-1)).toBe(wanted.size);
  });

  test('gets what one peer lacks from another', async () => {
    const [empty, full, to] = [await tempStore(), await tempStore(), await tempStore()];
    const wanted = await fill(full);
    await fetchInto(to, wanted, [peerOf('empty', empty), peerOf('full', full)]);
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('goes on with another peer when one fails half-way', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const bad: ObjectSource = {
      name: 'bad',
      async fetch(digests) {
        const bytes = await join(serveObjects(from.objects, digests));
        return inChunks(bytes.subarray(0, bytes.length / 2), 1000);
      },
    };
    const refusing: ObjectSource = { name: 'refusing', fetch: () => Promise.reject(new Error('no')) };
    await fetchInto(to, wanted, [bad, refusing, peerOf('good', from)]);
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('never keeps what a peer forged', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const forger: ObjectSource = {
      name: 'forger',
      async fetch(digests) {
        const bytes = await join(serveObjects(from.objects, digests));
        bytes[bytes.length - 1]! ^= 1;
        return inChunks(bytes, 65_536);
      },
    };
    await expect(fetchInto(to, wanted, [forger])).rejects.toMatchObject({ code: 'NETWORK' });
    for await (const digest of to.objects.list()) expect(await to.objects.verify(digest)).toBe('ok');
  });

  test('says what nobody has', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const absent = new Map([['0'.repeat(64), 1]]);
    await expect(fetchInto(to, absent, [peerOf('a', from)])).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(fetchInto(to, absent, [])).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  test('gives up a silent peer', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const silent: ObjectSource = { name: 'silent', fetch: () => new Promise(() => {}) };
    await expect(fetchInto(to, wanted, [silent], { stallMilliseconds: 20 })).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('silent sent nothing'),
    });
    await fetchInto(to, wanted, [silent, peerOf('good', from)], { stallMilliseconds: 20 });
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('stops when it is cancelled', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const cancel = new AbortController();
    const peer: ObjectSource = {
      name: 'a',
      async fetch(digests, aborted) {
        cancel.abort();
        await setImmediate();
        aborted.throwIfAborted();
        return serveObjects(from.objects, digests);
      },
    };
    await expect(fetchInto(to, wanted, [peer], { signal: cancel.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });
});
