/**
 * The few calls of the C library that Node has no API for, through node:ffi.
 *
 * Loaded on first use, so that importing this file costs nothing and a Node
 * without FFI fails at the call, where the caller can say what is missing.
 */
import { VoltError } from '@volt/shared/errors';

const signatures = {
  getsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'buffer', 'buffer'] },
  socket: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  sendto: { return: 'int64', arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'] },
  close: { return: 'int32', arguments: ['int32'] },
  flock: { return: 'int32', arguments: ['int32', 'int32'] },
} as const;

type Libc = ReturnType<typeof open>;
let loaded: Libc | undefined;

/** The C library this process already runs on. Throws DEPENDENCY where Node was built or started without FFI. */
export function libc(): Libc {
  loaded ??= open();
  return loaded;
}

function open() {
  const ffi = process.getBuiltinModule('node:ffi') as typeof import('node:ffi') | undefined;
  if (ffi === undefined) {
    throw new VoltError('DEPENDENCY', 'This Node has no node:ffi', {
      hint: 'use Node 26 without --no-experimental-ffi',
    });
  }
  return ffi.dlopen(null, signatures).functions;
}
