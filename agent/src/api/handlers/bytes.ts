type Frame = { kind: 'data'; data: string } | { kind: 'eof' };

/** What a caller sends. Cut short by a lost connection it must not pass for whole: only `eof` ends it well. */
export async function* bytes(frames: AsyncIterable<Frame>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) {
    if (frame.kind === 'eof') return;
    yield Buffer.from(frame.data, 'base64');
  }
  throw Object.assign(new Error('What was sent ended without its end mark'), { name: 'AbortError' });
}

/** In base64 well below what one line of a stream may hold. */
const CHUNK_BYTES = 192 * 1024;

/** Waits for the caller to take each part, so that no more than one is held for a slow one. */
export async function send(
  chunks: AsyncIterable<Uint8Array>,
  emit: (event: { data: string }) => Promise<void>,
): Promise<number> {
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.byteLength; at += CHUNK_BYTES) {
      const part = chunk.subarray(at, at + CHUNK_BYTES);
      await emit({ data: Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('base64') });
    }
    sizeBytes += chunk.byteLength;
  }
  return sizeBytes;
}
