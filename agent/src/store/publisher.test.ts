import { expect, test } from 'vitest';
import { Publisher } from './publisher.ts';
import { tempStore } from './testing.ts';

const MEBI = 1024 * 1024;

test('a part that fills while others still put into it is published by the last of them', async () => {
  const store = await tempStore();
  const publisher = new Publisher(() => store.objects.ingest());
  const slow = Promise.withResolvers<void>();
  const digests: string[] = [];
  const put = (text: string, sizeBytes: number, until: Promise<void> = Promise.resolve()) =>
    publisher.into(async (batch) => {
      digests.push(await batch.putBytes(Buffer.from(text)));
      await until;
      return sizeBytes;
    });
  // Begins before the part is full, and ends with little after it is.
  const last = put('slow', 1, slow.promise);
  await put('large', 100 * MEBI);
  slow.resolve();
  await last;
  await put('next', 1);
  await publisher.finish();
  expect(digests.map((digest) => store.objects.has(digest))).toEqual([true, true, true]);
});
