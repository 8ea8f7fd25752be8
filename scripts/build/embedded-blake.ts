/**
 * Stands in for `@napi-rs/blake-hash` inside the single binary.
 *
 * The loader wants a file, and the binary has none beside it: the addon is
 * copied from the binary into anonymous memory, which leaves nothing on disk
 * and works where /tmp is mounted noexec.
 */
import { dlopen } from 'node:ffi';
import { writeSync } from 'node:fs';
import { getRawAsset } from 'node:sea';

/** What we use of it. Callers are checked against the package's own types. */
interface Addon {
  readonly blake3: unknown;
  readonly Blake3Hasher: unknown;
}

const MFD_CLOEXEC = 1;
const { functions: libc } = dlopen(null, {
  memfd_create: { return: 'int32', arguments: ['string', 'uint32'] },
  close: { return: 'int32', arguments: ['int32'] },
});

export const { blake3, Blake3Hasher } = load('blake.node');

function load(name: string): Addon {
  const fd = libc.memfd_create(name, MFD_CLOEXEC);
  if (fd < 0) throw new Error(`No anonymous memory for ${name}`);
  try {
    const bytes = Buffer.from(getRawAsset(name));
    for (let written = 0; written < bytes.length;) written += writeSync(fd, bytes, written);
    const loaded = { exports: {} };
    process.dlopen(loaded, `/proc/self/fd/${fd}`);
    return loaded.exports as Addon;
  } finally {
    // Node's own close complains, in a thread, of what it did not open.
    libc.close(fd);
  }
}
