/** Extended attributes of files, for which Node has no calls. */
import { callsOf } from './libc.ts';

export interface Xattrs {
  /**
   * All attributes of the file itself, never of what a link points at; values
   * in base64. Undefined where it has none, is gone, or its file system knows
   * none. `path` is bytes, as the kernel takes it.
   */
  read(path: Buffer): Readonly<Record<string, string>> | undefined;
}

const calls = callsOf({
  llistxattr: { return: 'int64', arguments: ['buffer', 'buffer', 'uint64'] },
  lgetxattr: { return: 'int64', arguments: ['buffer', 'buffer', 'buffer', 'uint64'] },
});

/** XATTR_LIST_MAX and XATTR_SIZE_MAX of Linux: nothing is ever longer. */
const BYTES_MAX = 65_536;

/** Kept: a call for every file must not make garbage. */
const buffers = { names: Buffer.alloc(0), value: Buffer.alloc(0) };

export const kernelXattrs: Xattrs = {
  read(path) {
    if (buffers.names.length === 0) {
      buffers.names = Buffer.allocUnsafeSlow(BYTES_MAX);
      buffers.value = Buffer.allocUnsafeSlow(BYTES_MAX);
    }
    const cPath = Buffer.concat([path, Buffer.alloc(1)]);
    const length = Number(calls().llistxattr(cPath, buffers.names, BigInt(BYTES_MAX)));
    if (length <= 0) return undefined;
    const found: Record<string, string> = {};
    for (const name of buffers.names.toString('utf8', 0, length - 1).split('\0')) {
      const size = Number(calls().lgetxattr(cPath, Buffer.from(`${name}\0`), buffers.value, BigInt(BYTES_MAX)));
      // Taken away since it was listed.
      if (size >= 0) found[name] = buffers.value.toString('base64', 0, size);
    }
    return Object.keys(found).length > 0 ? found : undefined;
  },
};
