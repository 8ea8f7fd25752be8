/** An archive that comes from an agent, into a file or onto standard output. */
import { randomBytes } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { Session } from '../session/index.ts';
import { cannotRead } from './image-import.ts';

/** Asks for the archive, and resolves when all of it was written. */
type Receive = (write: (bytes: Buffer) => Promise<void>) => Promise<{ sizeBytes: number }>;

/** `hint` is the command with a file named, for whoever would get it onto a terminal. */
export async function saveArchive(
  file: string,
  receive: Receive,
  { session, hint }: { session: Session; hint: string },
): Promise<number> {
  if (file !== '-') return toFile(file, receive, session);
  if (session.terminal.stdout.isTerminal) {
    throw new VoltError('USAGE', 'An archive is nothing for a terminal', { hint });
  }
  await receive((bytes) => session.terminal.stdout.write(bytes));
  return 0;
}

/** What was there stays until all of the archive is. */
async function toFile(path: string, receive: Receive, session: Session): Promise<number> {
  const staging = `${path}.${randomBytes(6).toString('hex')}.part`;
  const file = await open(staging, 'wx', 0o644).catch((cause: unknown) => {
    throw cannotRead(dirname(path), cause);
  });
  try {
    const { sizeBytes } = await receive((bytes) => writeAll(file, bytes));
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

async function writeAll(file: FileHandle, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.byteLength;) at += (await file.write(bytes, at)).bytesWritten;
}
