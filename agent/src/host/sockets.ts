/** Unix sockets of programs of ours on this machine. */
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { VoltError } from '@volt/shared/errors';

export interface Sockets {
  /** Rejects with NOT_FOUND where nobody listens. */
  connect(path: string): Promise<Connection>;
}

export interface Connection {
  /** What comes, until the other side is gone. */
  readonly output: AsyncIterable<Uint8Array>;
  /** Resolves when there is room for more. Writing to one that has gone does nothing. */
  write(data: Uint8Array): Promise<void>;
  close(): void;
}

export const unixSockets: Sockets = {
  async connect(path) {
    const socket = createConnection({ path });
    try {
      await once(socket, 'connect');
    } catch (cause) {
      throw new VoltError('NOT_FOUND', `Nobody listens at '${path}'`, { cause });
    }
    // Its end is seen by whoever reads.
    socket.on('error', () => undefined);
    return {
      output: untilGone(socket),
      async write(data) {
        if (socket.destroyed || socket.write(data)) return;
        const { promise, resolve } = Promise.withResolvers<void>();
        for (const event of ['drain', 'close']) socket.once(event, () => resolve());
        await promise;
      },
      close: () => void socket.destroy(),
    };
  },
};

/** A connection that was cut ends as one that was closed: what is missing is for the reader to notice. */
async function* untilGone(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (thrown) {
    const { code } = thrown as NodeJS.ErrnoException;
    if (code !== 'ECONNRESET' && code !== 'EPIPE' && code !== 'ERR_STREAM_PREMATURE_CLOSE') throw thrown;
  }
}
