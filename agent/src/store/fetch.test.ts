import { statSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { fetchObjects } from './fetch.ts';
import { fill, hasAll, inChunks, join, peerOf } from './fetch-testing.ts';
import { INLINE_BYTES_MAX } from './ingest.ts';
import type { ObjectSource } from './object-source.ts';
import { tempStore, type TempStore } from './testing.ts';
import { serveObjects } from './transfer.ts';

const { signal } = new AbortController();

async function fetchInto(
  store: TempStore,
  wanted: ReadonlyMap<string, number>,
  peers: ObjectSource[],
  extra = {},
): Promise<void> {
  await fetchObjects({ store, wanted, peers, signal, ...extra });
}

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
    // Long enough that a busy machine does not make the good one look silent.
    await fetchInto(to, wanted, [silent, peerOf('good', from)], { stallMilliseconds: 1000 });
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

describe('a large object', () => {
  const SIZE = 4 * INLINE_BYTES_MAX;
  const contents = Buffer.alloc(SIZE, 'what a large object holds, ');
  const HEAD_BYTES = 40;

  async function stores() {
    const [from, to] = [await tempStore(), await tempStore()];
    const digest = await from.objects.put(contents);
    return { from, to, digest, wanted: new Map([[digest, SIZE]]) };
  }

  interface Line {
    /** After so many bytes of contents, in all answers together, the line is cut. */
    readonly cutAfter?: number;
    /** What becomes of the bytes on the way. */
    readonly spoil?: (bytes: Buffer) => void;
    /** Instead of being cut, it is silent. */
    readonly isSilent?: boolean;
  }

  /** A peer that can go on where somebody left off, with how many bytes of contents it sent. */
  function peerAt(store: TempStore, name: string, { cutAfter = Infinity, spoil, isSilent }: Line = {}) {
    let sent = 0;
    async function* line(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
      const all = await join(chunks);
      const rest = all.subarray(HEAD_BYTES);
      yield all.subarray(0, HEAD_BYTES);
      spoil?.(rest);
      for (let at = 0; at < rest.length; at += 100_000) {
        const chunk = rest.subarray(at, at + 100_000);
        if (sent + chunk.length > cutAfter) {
          if (isSilent === true) await new Promise(() => {});
          throw new Error('the line was cut');
        }
        sent += chunk.length;
        yield chunk;
      }
    }
    const peer: Required<ObjectSource> = {
      name,
      fetch: async (digests) => line(serveObjects(store.objects, digests)),
      fetchRest: async (one, from) => ({ from, chunks: line(serveObjects(store.objects, [one], from)) }),
    };
    return { peer, sent: () => sent };
  }

  test('goes on with another peer where the first one died', async () => {
    const { from, to, digest, wanted } = await stores();
    const dying = peerAt(from, 'dying', { cutAfter: 3_000_000 });
    const whole = peerAt(from, 'whole');
    const lacking = peerOf('lacking', await tempStore());
    await fetchInto(to, wanted, [dying.peer, lacking]).catch(() => {});
    expect(to.incoming.sizeOf(digest)).toBe(3_000_000);
    await fetchInto(to, wanted, [whole.peer]);
    expect([dying.sent(), whole.sent()]).toEqual([3_000_000, SIZE - 3_000_000]);
    expect(await to.objects.verify(digest)).toBe('ok');
    expect(to.incoming.list()).toEqual(new Map());
  });

  test('goes on in one fetch with whoever is left', async () => {
    const { from, to, digest, wanted } = await stores();
    const peers = [1, 2, 3].map((n) => peerAt(from, `peer ${n}`, { cutAfter: 1_500_000 }));
    await fetchInto(
      to,
      wanted,
      peers.map(({ peer }) => peer),
    );
    expect(peers.reduce((sum, { sent }) => sum + sent(), 0)).toBe(SIZE);
    expect(await to.objects.verify(digest)).toBe('ok');
  });

  test('goes on after a restart of the agent', async () => {
    const { from, to, digest, wanted } = await stores();
    await expect(fetchInto(to, wanted, [peerAt(from, 'dying', { cutAfter: 3_500_000 }).peer])).rejects.toMatchObject({
      code: 'NETWORK',
      message: expect.stringContaining('dying'),
    });
    const restarted = await tempStore(to.folder);
    expect(restarted.incoming.list()).toEqual(new Map([[digest, 3_500_000]]));
    const whole = peerAt(from, 'whole');
    await fetchInto(restarted, wanted, [whole.peer]);
    expect(whole.sent()).toBe(SIZE - 3_500_000);
  });

  test('that was whole before the agent died is not sent again', async () => {
    const { from, to, digest, wanted } = await stores();
    await to.incoming.receive({ digest, sizeBytes: SIZE, from: 0 }, inChunks(contents, 1 << 20));
    const { peer, sent } = peerAt(from, 'peer');
    await fetchInto(await tempStore(to.folder), wanted, [peer]);
    expect(sent()).toBe(0);
    expect(await to.objects.verify(digest)).toBe('ok');
  });

  test('begins anew with a peer that cannot go on', async () => {
    const { from, to, digest, wanted } = await stores();
    await fetchInto(to, wanted, [peerAt(from, 'dying', { cutAfter: 2_000_000 }).peer]).catch(() => {});
    await fetchInto(to, wanted, [peerOf('older', from)]);
    expect(await to.objects.verify(digest)).toBe('ok');
  });

  test('that one peer spoiled is had from another, who is not blamed', async () => {
    const { from, to, digest, wanted } = await stores();
    const bad = peerAt(from, 'bad', { cutAfter: 2_000_000, spoil: (bytes) => void (bytes[1000]! ^= 1) });
    await fetchInto(to, wanted, [bad.peer]).catch(() => {});
    const good = peerAt(from, 'good');
    await fetchInto(to, wanted, [good.peer]);
    expect(await to.objects.verify(digest)).toBe('ok');
    // The rest of the bad one, then all of it.
    expect(good.sent()).toBe(SIZE - 2_000_000 + SIZE);
  });

  test('that never fits its name is refused, and nothing of it stays', async () => {
    const { from, to, digest, wanted } = await stores();
    const { peer, sent } = peerAt(from, 'forger', { spoil: (bytes) => void (bytes[1000]! ^= 1) });
    await expect(fetchInto(to, wanted, [peer])).rejects.toMatchObject({ code: 'NETWORK' });
    expect([to.objects.has(digest), to.incoming.sizeOf(digest)]).toEqual([false, 0]);
    expect(sent()).toBe(SIZE);
  });

  test('is had from elsewhere, from where it stopped, when a peer falls silent', async () => {
    const { from, to, wanted } = await stores();
    const silent = peerAt(from, 'silent', { cutAfter: 2_000_000, isSilent: true });
    const other = peerAt(from, 'other');
    const late: ObjectSource = {
      name: 'late',
      fetch: () => Promise.reject(new Error('gone')),
      fetchRest: other.peer.fetchRest,
    };
    await fetchInto(to, wanted, [silent.peer, late], { stallMilliseconds: 50 });
    expect([silent.sent(), other.sent()]).toEqual([2_000_000, SIZE - 2_000_000]);
  });

  test('keeps its holes', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const sparse = Buffer.alloc(SIZE);
    sparse.write('in the middle', SIZE / 2);
    const digest = await from.objects.put(sparse);
    await fetchInto(to, new Map([[digest, SIZE]]), [peerAt(from, 'peer').peer]);
    expect(await to.objects.verify(digest)).toBe('ok');
    const { size, blocks } = statSync(to.objects.pathOf(digest));
    expect(size).toBe(SIZE);
    expect(blocks * 512).toBeLessThan(200_000);
  });
});

describe('fetches at once', () => {
  test('of the same objects are one transfer', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const peer = peerOf('peer', from);
    const some = new Map([...wanted].slice(20));
    await Promise.all([fetchInto(to, wanted, [peer]), fetchInto(to, some, [peer]), fetchInto(to, wanted, [peer])]);
    expect(peer.asked).toBe(wanted.size);
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('take over what another one gives up', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const dead: ObjectSource = { name: 'dead', fetch: () => Promise.reject(new Error('dead')) };
    const results = await Promise.allSettled([
      fetchInto(to, wanted, [dead]),
      fetchInto(to, wanted, [peerOf('peer', from)]),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect(hasAll(to, wanted)).toBe(true);
  });

  test('do not wait for another one when they are cancelled', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    const wanted = await fill(from);
    const silent: ObjectSource = { name: 'silent', fetch: () => new Promise(() => {}) };
    const [first, second] = [new AbortController(), new AbortController()];
    const running = fetchInto(to, wanted, [silent], { signal: first.signal, stallMilliseconds: 20 });
    const waiting = fetchInto(to, wanted, [peerOf('peer', from)], { signal: second.signal });
    second.abort();
    await expect(waiting).rejects.toMatchObject({ name: 'AbortError' });
    await expect(running).rejects.toMatchObject({ code: 'NETWORK' });
  });
});

test('many peers are asked a few at a time, until one has it', async () => {
  const [from, empty, to] = [await tempStore(), await tempStore(), await tempStore()];
  const wanted = await fill(from);
  let [open, most] = [0, 0];
  const counted = (peer: ObjectSource): ObjectSource => ({
    name: peer.name,
    async fetch(digests, aborted) {
      most = Math.max(most, ++open);
      await setImmediate();
      const answer = await peer.fetch(digests, aborted);
      open--;
      return answer;
    },
  });
  const without = Array.from({ length: 40 }, (_, n) => counted(peerOf(`without ${n}`, empty)));
  await fetchInto(to, wanted, [...without, counted(peerOf('with', from))]);
  expect(hasAll(to, wanted)).toBe(true);
  expect(most).toBeLessThanOrEqual(16);
});

test('what arrived is published while the rest is on its way', async () => {
  const [from, to] = [await tempStore(), await tempStore()];
  const wanted = new Map<string, number>();
  const SIZE = 9 * INLINE_BYTES_MAX;
  for (let n = 0; n < 9; n++) wanted.set(await from.objects.put(Buffer.alloc(SIZE, n + 1)), SIZE);
  const [digests, last] = [[...wanted.keys()], Promise.withResolvers<void>()];
  const published = () => digests.filter((digest) => to.objects.has(digest)).length;
  const slow: ObjectSource = {
    name: 'slow',
    async fetch(asked) {
      if (asked.includes(digests[8]!)) await last.promise;
      return serveObjects(from.objects, asked);
    },
  };
  const fetching = fetchInto(to, wanted, [slow]);
  await expect.poll(published, { timeout: 10_000 }).toBe(8);
  last.resolve();
  await fetching;
  expect(published()).toBe(9);
});
