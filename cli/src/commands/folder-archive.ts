/** A folder as a tar archive, made by tar: it knows owners, links and attributes as the file system has them. */
import { spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { VoltError } from '@volt/shared/errors';

/** Names as they are, numbers for owners, and every attribute: capabilities are attributes. */
const ARGUMENTS = ['--create', '--format=pax', '--numeric-owner', '--xattrs', '--xattrs-include=*'];
const STDERR_CHARS_MAX = 2000;

export interface FolderArchive {
  readonly archive: AsyncIterable<Buffer>;
  readonly destroy: () => void;
}

/** All of it, or one name in it. The archive ends with an error unless tar has read all of that. */
export function folderArchive(folder: string, name = '.'): FolderArchive {
  // No times of access or change: the same folder gives the same archive.
  const noTimes = '--pax-option=delete=atime,delete=ctime';
  const tar = spawn('tar', [...ARGUMENTS, noTimes, '--directory', folder, '--', name], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return { archive: checked(tar, folder), destroy: () => void tar.kill() };
}

async function* checked(tar: ReturnType<typeof spawn>, folder: string): AsyncGenerator<Buffer> {
  let stderr = '';
  tar.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(0, STDERR_CHARS_MAX);
  });
  const ended = new Promise<number | null>((resolve, reject) => {
    tar.once('error', reject).once('close', (code) => resolve(code));
  });
  ended.catch(() => {});
  try {
    for await (const chunk of tar.stdout as Readable) yield chunk as Buffer;
    const code = await ended;
    if (code === 0) return;
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code !== 'ENOENT') throw cause;
    throw new VoltError('DEPENDENCY', 'tar, which reads folders, is not installed', { hint: 'apt install tar', cause });
  }
  const [first = 'it said nothing'] = stderr.split('\n');
  throw new VoltError('USAGE', `The folder '${folder}' cannot be read: ${first.replace(/^tar: /, '')}`, {
    hint: first.includes('changed as we read') ? 'do not write to it meanwhile' : undefined,
  });
}
