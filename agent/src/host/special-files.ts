/** Device nodes, named pipes and extended attributes, for which Node has no calls. */
import { VoltError } from '@volt/shared/errors';
import { callsOf } from './libc.ts';

export interface SpecialFiles {
  /** `path` is bytes, as the kernel takes it. Throws DEPENDENCY where the kernel refuses. */
  makeNode(path: Buffer, node: NodeKind): void;
  /** Of the file itself, never of what a link points at. Throws DEPENDENCY where the kernel refuses. */
  setXattr(path: Buffer, name: string, value: Buffer): void;
}

export type NodeKind =
  | { readonly type: 'fifo' }
  | { readonly type: 'chardev' | 'blockdev'; readonly major: number; readonly minor: number };

const calls = callsOf({
  mknod: { return: 'int32', arguments: ['buffer', 'uint32', 'uint64'] },
  lsetxattr: { return: 'int32', arguments: ['buffer', 'buffer', 'buffer', 'uint64', 'int32'] },
});

const S_IFIFO = 0o010000;
const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;

export const kernelSpecialFiles: SpecialFiles = {
  makeNode(path, node) {
    const format = { fifo: S_IFIFO, chardev: S_IFCHR, blockdev: S_IFBLK }[node.type];
    const device = node.type === 'fifo' ? 0n : deviceNumber(node.major, node.minor);
    if (calls().mknod(cString(path), format | 0o600, device) !== 0) throw refused('make the device node', path);
  },

  setXattr(path, name, value) {
    const nameBytes = cString(Buffer.from(name));
    if (calls().lsetxattr(cString(path), nameBytes, value, BigInt(value.length), 0) !== 0) {
      throw refused(`set the attribute ${name} of`, path);
    }
  },
};

/** As glibc's makedev packs it. */
const deviceNumber = (major: number, minor: number): bigint =>
  BigInt(minor & 0xff) | (BigInt(major & 0xfff) << 8n) | (BigInt(minor & ~0xff) << 12n);

const cString = (bytes: Buffer): Buffer => Buffer.concat([bytes, Buffer.alloc(1)]);

const refused = (what: string, path: Buffer): VoltError =>
  new VoltError('DEPENDENCY', `The kernel refuses to ${what} ${path.toString('utf8')}`, {
    hint: 'this needs root, and a file system that knows device nodes and extended attributes',
  });
