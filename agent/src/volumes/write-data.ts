import { writeSync } from 'node:fs';

const ZEROS = Buffer.alloc(64 * 1024);

/** Writes what is not zero to its place, so that holes stay holes: a file may be much larger than what it takes. */
export function writeData(fd: number, chunk: Uint8Array, position: number): void {
  for (let at = 0; at < chunk.length; at += ZEROS.length) {
    const part = chunk.subarray(at, at + ZEROS.length);
    if (ZEROS.compare(part, 0, part.length, 0, part.length) === 0) continue;
    for (let done = 0; done < part.length;) {
      done += writeSync(fd, part, done, part.length - done, position + at + done);
    }
  }
}
