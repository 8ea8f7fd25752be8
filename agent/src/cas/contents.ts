/** Objects in and out as plain bytes: `volt cas get` and `volt cas put`. */
import { VoltError } from '@volt/shared/errors';
import type { Digest, Store } from '../store/index.ts';
import type { Found } from './resolve.ts';

/** Throws NOT_FOUND before the first byte, or DEPENDENCY after the last where they are not what they should be. */
export async function* readObject({ objects }: Store, { digest, name }: Found): AsyncGenerator<Uint8Array> {
  const object = await objects.open(digest);
  if (object === undefined) throw new VoltError('NOT_FOUND', `Object ${digest} of ${name} is not in the store`);
  const hasher = objects.hash.start();
  try {
    for await (const chunk of object.chunks) {
      hasher.update(chunk);
      yield chunk;
    }
    if (hasher.end() === digest) return;
  } finally {
    hasher.dispose();
  }
  // It may be named by another hash.
  if ((await objects.verify(digest)) === 'ok') return;
  throw new VoltError('DEPENDENCY', `Object ${digest} is damaged: do not use what was read`, {
    hint: 'volt cas repair',
  });
}

export async function writeObject(
  store: Store,
  source: AsyncIterable<Uint8Array>,
  pin: boolean,
): Promise<{ digest: Digest; sizeBytes: number }> {
  using hold = store.holds.open();
  await using batch = store.objects.ingest({ hold });
  const { digest, sizeBytes } = await batch.putStream(source);
  await batch.commit();
  if (pin) await setPin(store, digest);
  return { digest, sizeBytes };
}

export async function setPin({ refs, objects }: Store, digest: Digest): Promise<void> {
  if (!objects.has(digest)) throw new VoltError('NOT_FOUND', `Object ${digest} is not in the store`);
  const { name, tag } = pinOf(digest);
  await refs.pins.set(name, tag, digest);
}

/** Says whether there was a pin. */
export function removePin({ refs }: Store, digest: Digest): boolean {
  const { name, tag } = pinOf(digest);
  return refs.pins.delete(name, tag);
}

/** A name holds 64 digits; a digest that is longer goes on in the tag. */
const pinOf = (digest: Digest) => ({ name: digest.slice(0, 64), tag: digest.slice(64) || 'pin' });
