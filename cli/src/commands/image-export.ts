import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { cannotRead } from './image-import.ts';

const row = agentMethods['image.export'];

export const imageExport = command({
  path: 'image export',
  summary: row.summary,
  params: () => {
    const { name, format, compress } = row.params.shape;
    return z.object({
      name,
      file: z.string().default('-').describe('Where to write it; - is standard output.'),
      format,
      compress,
    });
  },
  positional: ['name'],
  short: { f: 'file' },
  examples: [
    'image export web -f web.tar',
    'image export web --compress zstd > web.tar',
    'image export web --format rootfs',
  ],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE'],
  names: { name: 'image' },

  async run({ file }, session, given) {
    const { file: _file, ...request } = given;
    if (file !== '-') return toFile(file, request, session);
    if (session.terminal.stdout.isTerminal) {
      throw new VoltError('USAGE', 'An archive is nothing for a terminal', { hint: 'volt image export NAME -f FILE' });
    }
    await receive(request, session, (bytes) => session.terminal.stdout.write(bytes));
    return 0;
  },
});

type Request = z.input<typeof row.params>;

/** What was there stays until all of the archive is. */
async function toFile(path: string, request: Request, session: Session): Promise<number> {
  const staging = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(staging, 'wx', 0o644).catch((cause: unknown) => {
    throw cannotRead(dirname(path), cause);
  });
  try {
    const { sizeBytes } = await receive(request, session, (bytes) => writeAll(file, bytes));
    await file.sync();
    await file.close();
    await rename(staging, path);
    await session.note(`${path}: ${sizeBytes} bytes`);
    return 0;
  } catch (thrown) {
    await file.close().catch(() => {});
    await rm(staging, { force: true });
    throw thrown;
  }
}

async function receive(request: Request, session: Session, write: (bytes: Buffer) => Promise<void>) {
  const agent = await session.agent('image export');
  const onEvent = ({ data }: { data: string }) => write(Buffer.from(data, 'base64'));
  return agent.stream('image.export', request, { signal: session.signal, onEvent });
}

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
}
