import { describe, expect, test } from 'vitest';
import { fill, hasAll, inChunks, join } from './fetch-testing.ts';
import { type Ingest, INLINE_BYTES_MAX } from './ingest.ts';
import type { Put } from './publisher.ts';
import { tempStore } from './testing.ts';
import { receiveObjects, REQUEST_DIGESTS_MAX, serveObjects } from './transfer.ts';

const intoBatch = (batch: Ingest) => async (put: Put) => void (await put(batch));

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
    const receiver = { into: intoBatch(batch), incoming: to.incoming };
    for await (const got of receiveObjects(inChunks(bytes, size), { digests: [...wanted.keys()] }, receiver)) {
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
    expect(() => serveObjects(objects, ['0'.repeat(64), '1'.repeat(64)], 5)).toThrow(usage);
  });

  test('of one object from a place on have its whole length and the rest of it', async () => {
    const { objects } = await tempStore();
    const digest = await objects.put(Buffer.from('hello'));
    const rest = async (from: number) => (await join(serveObjects(objects, [digest], from))).toString('hex');
    const head = `${digest}0000000000000005`;
    expect(await rest(2)).toBe(`${head}${Buffer.from('llo').toString('hex')}`);
    expect([await rest(5), await rest(9)]).toEqual([head, head]);
  });

  test('hold objects under SHA-256 and SHA-512 too', async () => {
    const [from, to] = [await tempStore(), await tempStore()];
    await using batch = from.objects.ingest();
    const large = Buffer.alloc(2 * INLINE_BYTES_MAX, 'large');
    const digests = [];
    for (const algorithm of ['blake3', 'sha256', 'sha512'] as const) {
      for (const bytes of [Buffer.from('small'), large]) {
        digests.push((await batch.putStream(inChunks(bytes, 1 << 20), { algorithm })).digest);
      }
    }
    await batch.commit();
    await using received = to.objects.ingest();
    const receiver = { into: intoBatch(received), incoming: to.incoming };
    const got = await Array.fromAsync(receiveObjects(serveObjects(from.objects, digests), { digests }, receiver));
    expect(got.map(({ digest }) => digest)).toEqual(digests);
    await received.commit();
    for (const digest of digests) expect(await to.objects.verify(digest)).toBe('ok');
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
    const { objects, incoming } = await tempStore();
    await using batch = objects.ingest();
    const reading = (async () => {
      for await (const got of receiveObjects(
        inChunks(bytes, 16),
        { digests: [digest] },
        { into: intoBatch(batch), incoming },
      ))
        expect(got.sizeBytes).toBeUndefined();
    })();
    await expect(reading).rejects.toMatchObject({ code: 'NETWORK' });
    expect(await batch.commit()).toEqual({ objects: 0, sizeBytes: 0 });
  });
});
