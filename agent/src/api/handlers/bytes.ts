type Frame = { kind: 'data'; data: string } | { kind: 'eof' };

/** What a caller sends. Cut short by a lost connection it must not pass for whole: only `eof` ends it well. */
export async function* bytes(frames: AsyncIterable<Frame>): AsyncGenerator<Uint8Array> {
  for await (const frame of frames) {
    if (frame.kind === 'eof') return;
    yield Buffer.from(frame.data, 'base64');
  }
  throw Object.assign(new Error('What was sent ended without its end mark'), { name: 'AbortError' });
}
