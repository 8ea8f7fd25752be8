/**
 * Writes contents that are to become objects. Long runs of zeros are left out:
 * the file has holes there, which read as zeros and take no space.
 */
import { closeSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Up to this size a blocking write costs less than the way through the thread pool. */
const BLOCKING_WRITE_BYTES_MAX = 64 * 1024;
/** Zeros are looked for in pieces that end where a multiple of this is; contents below it are written as they are. */
const HOLE_BYTES = 32 * 1024;
const OBJECT_MODE = 0o400;

const zeros = Buffer.alloc(HOLE_BYTES);

/** Contents that are all there. The file must not exist. */
export async function writeStaged(path: string, bytes: Uint8Array): Promise<void> {
  if (bytes.byteLength <= BLOCKING_WRITE_BYTES_MAX) {
    writeStagedSync(path, bytes);
    return;
  }
  await withFile(path, async (file) => {
    for (const range of dataRanges(bytes, 0)) await writeAll(file, range);
    await file.truncate(bytes.byteLength);
  });
}

export function writeStagedSync(path: string, bytes: Uint8Array): void {
  const fd = openSync(path, 'wx', OBJECT_MODE);
  try {
    if (bytes.byteLength < HOLE_BYTES) {
      for (let done = 0; done < bytes.byteLength;) done += writeSync(fd, bytes, done);
      return;
    }
    writeWithHoles(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

function writeWithHoles(fd: number, bytes: Uint8Array): void {
  let end = 0;
  for (const { data, position } of dataRanges(bytes, 0)) {
    end = position + data.byteLength;
    for (let done = 0; done < data.byteLength;) {
      done += writeSync(fd, data, done, data.byteLength - done, position + done);
    }
  }
  if (end < bytes.byteLength) ftruncateSync(fd, bytes.byteLength);
}

/** Contents of unknown size, each chunk shown to `onChunk` before it is written. Returns their size. */
export async function writeStagedStream(
  path: string,
  chunks: AsyncIterable<Uint8Array>,
  onChunk: (chunk: Uint8Array) => void,
): Promise<number> {
  let sizeBytes = 0;
  await withFile(path, async (file) => {
    for await (const chunk of chunks) {
      onChunk(chunk);
      for (const range of dataRanges(chunk, sizeBytes)) await writeAll(file, range);
      sizeBytes += chunk.byteLength;
    }
    await file.truncate(sizeBytes);
  });
  return sizeBytes;
}

/** Adds to the end of a file that will be adopted. Its size always tells how far it is. */
export async function appendStaged(file: FileHandle, bytes: Uint8Array, at: number): Promise<void> {
  let end = at;
  for (const range of dataRanges(bytes, at)) {
    await writeAll(file, range);
    end = range.position + range.data.byteLength;
  }
  if (end < at + bytes.byteLength) await file.truncate(at + bytes.byteLength);
}

interface Range {
  readonly data: Uint8Array;
  readonly position: number;
}

/** What of a chunk that lies at `at` has to be written. */
function* dataRanges(bytes: Uint8Array, at: number): Generator<Range> {
  const range = (start: number, end: number): Range => ({ data: bytes.subarray(start, end), position: at + start });
  let start = 0;
  for (let from = 0; from < bytes.byteLength;) {
    const end = Math.min(bytes.byteLength, from + HOLE_BYTES - ((at + from) % HOLE_BYTES));
    if (isZero(bytes, from, end)) {
      if (start < from) yield range(start, from);
      start = end;
    }
    from = end;
  }
  if (start < bytes.byteLength) yield range(start, bytes.byteLength);
}

function isZero(bytes: Uint8Array, start: number, end: number): boolean {
  return bytes[start] === 0 && zeros.compare(bytes, start, end, 0, end - start) === 0;
}

async function writeAll(file: FileHandle, { data, position }: Range): Promise<void> {
  for (let done = 0; done < data.byteLength;) {
    done += (await file.write(data, done, data.byteLength - done, position + done)).bytesWritten;
  }
}

async function withFile(path: string, write: (file: FileHandle) => Promise<void>): Promise<void> {
  const file = await open(path, 'wx', OBJECT_MODE);
  try {
    await write(file);
  } finally {
    await file.close();
  }
}
