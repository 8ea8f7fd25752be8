/** The files of one volume in another. Blocks are shared where the file system can. */
import * as fs from 'node:fs';
import type { SpecialFiles, Xattrs } from '../host/index.ts';
import { Builder } from './builder.ts';
import { FirstNames, metadataOf } from './pack.ts';
import { walk } from './walk.ts';
import { writeData } from './write-data.ts';

export interface Copy {
  readonly from: string;
  /** An empty folder that nobody else can reach. */
  readonly to: string;
  readonly xattrs: Xattrs;
  readonly specials: SpecialFiles;
  readonly signal: AbortSignal;
  readonly onEntries: (entries: number) => Promise<void>;
}

const PROGRESS_ENTRIES = 500;
const CHUNK_BYTES = 256 * 1024;

export async function copy({ from, to, xattrs, specials, signal, onEntries }: Copy): Promise<void> {
  const builder = new Builder(to, specials);
  const names = new FirstNames();
  for await (const found of walk(from)) {
    signal.throwIfAborted();
    const { path, type, fd, target } = found;
    const metadata = metadataOf(found, xattrs);
    const first = names.before(found);
    if (first !== undefined) builder.link(path, first);
    else if (type === 'dir') builder.folder(path, metadata);
    else if (type === 'symlink') builder.symlink(path, target!, metadata);
    else if (type === 'fifo') builder.fifo(path, metadata);
    else if (fd !== undefined) await builder.file(path, metadata, (made) => copyContents(fd, made));
    if (builder.entries % PROGRESS_ENTRIES === 0) await onEntries(builder.entries);
  }
  builder.finish();
  await onEntries(builder.entries);
}

/** By descriptors, as the names may be others' by now. */
async function copyContents(from: number, to: number): Promise<void> {
  try {
    await fs.promises.copyFile(`/proc/self/fd/${from}`, `/proc/self/fd/${to}`, fs.constants.COPYFILE_FICLONE_FORCE);
    return;
  } catch (thrown) {
    const { code = '' } = thrown as NodeJS.ErrnoException;
    if (!['ENOTSUP', 'ENOSYS', 'EXDEV', 'EINVAL', 'ENOTTY'].includes(code)) throw thrown;
  }
  const { size } = fs.fstatSync(from);
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let at = 0; ;) {
    const read = fs.readSync(from, chunk, 0, CHUNK_BYTES, at);
    if (read === 0) break;
    writeData(to, chunk.subarray(0, read), at);
    at += read;
    await new Promise((resolve) => setImmediate(resolve));
  }
  fs.ftruncateSync(to, size);
}
