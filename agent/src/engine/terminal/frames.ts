/**
 * What agent/enter/console.c and its watchers say to one another: a letter, the
 * length of what follows in four bytes, and that. Numbers have their low byte first.
 */
import { VoltError } from '@volt/shared/errors';

/** Of one frame. */
export const FRAME_BYTES_MAX = 16 * 1024;
const HEAD = 5;

export type Shown =
  | { readonly kind: 'stdout' | 'stderr'; readonly data: Buffer }
  | { readonly kind: 'exit'; readonly code: number };

const frame = (letter: string, data: Uint8Array): Buffer => {
  const head = Buffer.alloc(HEAD);
  head.write(letter, 'latin1');
  head.writeUInt32LE(data.length, 1);
  return Buffer.concat([head, data]);
};

/** Any amount of input, in as many frames as it takes. */
export function inputFrames(data: Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < data.length; at += FRAME_BYTES_MAX)
    frames.push(frame('i', data.subarray(at, at + FRAME_BYTES_MAX)));
  return frames;
}

export const endFrame = (): Buffer => frame('e', Buffer.alloc(0));

export const leaveFrame = (): Buffer => frame('d', Buffer.alloc(0));

export function sizeFrame(columns: number, rows: number): Buffer {
  const size = Buffer.alloc(4);
  size.writeUInt16LE(columns, 0);
  size.writeUInt16LE(rows, 2);
  return frame('w', size);
}

/** From bytes as they come. Rejects with GENERAL at what no console says. */
export async function* shownFrames(source: AsyncIterable<Uint8Array>): AsyncGenerator<Shown> {
  let held: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    held = held.length === 0 ? Buffer.from(chunk) : Buffer.concat([held, chunk]);
    let at = 0;
    while (held.length - at >= HEAD) {
      const size = held.readUInt32LE(at + 1);
      if (size > FRAME_BYTES_MAX) throw new VoltError('GENERAL', 'The console of a container sent too large a frame');
      if (held.length - at < HEAD + size) break;
      yield shown(held.toString('latin1', at, at + 1), held.subarray(at + HEAD, at + HEAD + size));
      at += HEAD + size;
    }
    held = held.subarray(at);
  }
}

function shown(letter: string, data: Buffer): Shown {
  if (letter === 'o') return { kind: 'stdout', data };
  if (letter === 'r') return { kind: 'stderr', data };
  if (letter === 'x' && data.length === 4) return { kind: 'exit', code: data.readUInt32LE(0) };
  throw new VoltError('GENERAL', 'The console of a container sent a frame that is not known');
}
