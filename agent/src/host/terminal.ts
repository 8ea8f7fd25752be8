/** A pseudo-terminal pair, through the C library: Node opens terminals but cannot make one. */
import { closeSync, constants, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ReadStream } from 'node:tty';
import type { Writable } from 'node:stream';
import { VoltError } from '@volt/shared/errors';
import { callsOf } from './libc.ts';

export interface Terminal {
  /** File descriptor of the program's end. */
  readonly far: number;
  /** What the program prints, until it is gone. */
  readonly output: AsyncIterable<Uint8Array>;
  /** What is typed. */
  readonly input: Writable;
  readonly resize: (columns: number, rows: number) => void;
  /** Closes our copy of the far end, once the program has its own. */
  readonly closeFar: () => void;
  readonly close: () => void;
  /** Ends it once all that was printed has been read, even if a program in the background still holds it. */
  readonly hangUp: () => void;
}

const terminalCalls = callsOf(
  {
    posix_openpt: { return: 'int32', arguments: ['int32'] },
    grantpt: { return: 'int32', arguments: ['int32'] },
    unlockpt: { return: 'int32', arguments: ['int32'] },
    ptsname_r: { return: 'int32', arguments: ['int32', 'buffer', 'uint64'] },
    ioctl: { return: 'int32', arguments: ['int32', 'uint64', 'buffer'] },
  },
  'run it without a terminal',
);

const O_CLOEXEC = 0o2000000;
const TIOCSWINSZ = 0x5414n;
const NAME_BYTES = 64n;

export function openTerminal(columns: number, rows: number): Terminal {
  const calls = terminalCalls();
  const near = calls.posix_openpt(constants.O_RDWR | constants.O_NOCTTY | O_CLOEXEC);
  if (near < 0 || calls.grantpt(near) !== 0 || calls.unlockpt(near) !== 0) {
    throw new VoltError('RESOURCE', 'No terminal is free');
  }
  const resize = (width: number, height: number) => {
    const size = Buffer.alloc(8);
    size.writeUInt16LE(height, 0);
    size.writeUInt16LE(width, 2);
    calls.ioctl(near, TIOCSWINSZ, size);
  };
  resize(columns, rows);
  const name = Buffer.alloc(Number(NAME_BYTES));
  calls.ptsname_r(near, name, NAME_BYTES);
  const far = openSync(name.toString('utf8', 0, name.indexOf(0)), constants.O_RDWR | constants.O_NOCTTY);
  const stream = new ReadStream(near);
  let isClosed = false;
  stream.on('close', () => (isClosed = true));
  return {
    far,
    output: untilGone(stream),
    input: stream,
    resize: (width, height) => void (isClosed || resize(width, height)),
    closeFar: () => closeSync(far),
    close: () => void stream.destroy(),
    hangUp: () => void endWhenQuiet(stream),
  };
}

/** What is still on its way arrives well within this. */
const QUIET_MS = 100;

async function endWhenQuiet(stream: ReadStream): Promise<void> {
  let read = -1;
  while (!stream.destroyed && (stream.bytesRead !== read || stream.readableLength > 0)) {
    read = stream.bytesRead;
    await sleep(QUIET_MS);
  }
  if (!stream.destroyed) stream.destroy(Object.assign(new Error('Hung up'), { code: 'EIO' }));
}

/** Reading a terminal whose last program has gone fails with EIO; that is its end of file. */
async function* untilGone(stream: ReadStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) yield chunk as Buffer;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== 'EIO') throw thrown;
  }
}
