/**
 * The few calls of the C library that Node has no API for, through node:ffi.
 *
 * Loaded on first use, so that importing this file costs nothing and a Node
 * without FFI fails at the call, where the caller can say what is missing.
 */
import type { FunctionDefinitions } from 'node:ffi';
import { VoltError } from '@volt/shared/errors';

const WITH_FFI = 'use Node 26 without --no-experimental-ffi';

/**
 * Calls of the C library this process already runs on. The function given back
 * throws DEPENDENCY where Node was built or started without FFI.
 */
export function callsOf<const T extends FunctionDefinitions>(signatures: T, hint = WITH_FFI) {
  const open = () => {
    const ffi = process.getBuiltinModule('node:ffi') as typeof import('node:ffi') | undefined;
    if (ffi === undefined) throw new VoltError('DEPENDENCY', 'This Node has no node:ffi', { hint });
    return ffi.dlopen(null, signatures).functions;
  };
  let loaded: ReturnType<typeof open> | undefined;
  return () => (loaded ??= open());
}

export const libc = callsOf({
  getsockopt: { return: 'int32', arguments: ['int32', 'int32', 'int32', 'buffer', 'buffer'] },
  socket: { return: 'int32', arguments: ['int32', 'int32', 'int32'] },
  sendto: { return: 'int64', arguments: ['int32', 'buffer', 'uint64', 'int32', 'buffer', 'uint32'] },
  close: { return: 'int32', arguments: ['int32'] },
  flock: { return: 'int32', arguments: ['int32', 'int32'] },
});
