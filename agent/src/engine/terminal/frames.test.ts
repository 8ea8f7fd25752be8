import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endFrame, FRAME_BYTES_MAX, inputFrames, leaveFrame, shownFrames, sizeFrame, type Shown } from './frames.ts';

const frame = (letter: string, data: Uint8Array) => {
  const head = Buffer.from([letter.charCodeAt(0), 0, 0, 0, 0]);
  head.writeUInt32LE(data.length, 1);
  return Buffer.concat([head, data]);
};

async function read(chunks: readonly Uint8Array[]): Promise<Shown[]> {
  async function* source() {
    yield* chunks;
  }
  return Array.fromAsync(shownFrames(source()));
}

test('what is shown is the same, wherever the bytes were cut', () =>
  fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), fc.integer({ min: 1, max: 7 }), async (parts, cut) => {
      const bytes = Buffer.concat([...parts.map((part) => frame('o', part)), frame('x', Buffer.from([7, 1, 0, 0]))]);
      const chunks: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += cut) chunks.push(bytes.subarray(at, at + cut));
      const shown = await read(chunks);
      expect(shown.at(-1)).toEqual({ kind: 'exit', code: 263 });
      const printed = shown.flatMap((one) => (one.kind === 'exit' ? [] : [one.data]));
      expect(Buffer.concat(printed)).toEqual(Buffer.concat(parts));
    }),
  ));

test('errors are told apart', async () =>
  expect(await read([frame('r', Buffer.from('no'))])).toEqual([{ kind: 'stderr', data: Buffer.from('no') }]));

test.each([
  ['a letter that is not known', frame('?', Buffer.alloc(0))],
  ['an exit code of another length', frame('x', Buffer.alloc(3))],
  ['a frame that is too large', Buffer.from([0x6f, 0xff, 0xff, 0xff, 0xff])],
])('%s is refused', (_what, bytes) => expect(read([bytes])).rejects.toMatchObject({ code: 'GENERAL' }));

test('input goes in as many frames as it takes, and loses nothing', () => {
  const data = Buffer.alloc(FRAME_BYTES_MAX * 2 + 5, 'x');
  const frames = inputFrames(data);
  expect(frames.map((one) => one.length - 5)).toEqual([FRAME_BYTES_MAX, FRAME_BYTES_MAX, 5]);
  expect(frames.map((one) => String.fromCharCode(one[0]!))).toEqual(['i', 'i', 'i']);
  expect(Buffer.concat(frames.map((one) => one.subarray(5)))).toEqual(data);
  expect(inputFrames(Buffer.alloc(0))).toEqual([]);
});

test('the size of a window, an end and a leave', () => {
  expect([...sizeFrame(300, 40)]).toEqual([0x77, 4, 0, 0, 0, 44, 1, 40, 0]);
  expect([...endFrame()]).toEqual([0x65, 0, 0, 0, 0]);
  expect([...leaveFrame()]).toEqual([0x64, 0, 0, 0, 0]);
});
