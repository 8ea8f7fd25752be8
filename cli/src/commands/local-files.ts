/** Files of this machine on their way into and out of archives, by tar. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { lstat, realpath, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type FolderArchive, folderArchive } from './folder-archive.ts';
import { cannotRead } from './image-import.ts';

/** Throws NOT_FOUND where nothing is. */
export async function localKind(path: string, follow: boolean): Promise<'dir' | 'other'> {
  try {
    // With a slash at its end a link leads on by itself.
    const found = await (follow ? stat(path) : lstat(path));
    return found.isDirectory() ? 'dir' : 'other';
  } catch (cause) {
    throw cannotRead(path, cause);
  }
}

/** The file itself, or with `isContents` what is in the folder. */
export async function archiveOf(path: string, how: { follow: boolean; isContents: boolean }): Promise<FolderArchive> {
  if (how.isContents) return folderArchive(path);
  const isLinkToFollow = how.follow || path.endsWith('/');
  const whole = isLinkToFollow ? await realpath(path) : resolve(path);
  return folderArchive(dirname(whole), basename(whole));
}

export interface LocalPlace {
  /** A folder that is there. */
  readonly folder: string;
  readonly as: string;
  /** What was named is that folder. */
  readonly isThere: boolean;
}

/** As cp: into a folder that is there, or under a name that is not yet. */
export async function localTarget(path: string, source: { isFolder: boolean; name: string }): Promise<LocalPlace> {
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory() === true) return { folder: path, as: source.name, isThere: true };
  if (found !== undefined && source.isFolder) throw new VoltError('CONFLICT', `'${path}' is no folder`);
  if (found === undefined && path.endsWith('/') && !source.isFolder) {
    throw new VoltError('NOT_FOUND', `There is no folder '${path}'`);
  }
  const whole = found === undefined ? resolve(path) : await realpath(path);
  const folder = dirname(whole);
  const parent = await stat(folder).catch(() => undefined);
  if (parent?.isDirectory() !== true) throw new VoltError('NOT_FOUND', `There is no folder '${folder}'`);
  return { folder, as: basename(whole), isThere: false };
}

const STDERR_CHARS_MAX = 2000;

/** Never changes what folders that are there already are; nothing in the archive is a way out of the folder. */
export async function unpackInto(folder: string, keepOwner: boolean) {
  const owner = keepOwner
    ? ['--same-owner', '--numeric-owner', '--xattrs', '--xattrs-include=*']
    : ['--no-same-owner', '--no-xattrs'];
  const options = ['--extract', '--no-overwrite-dir', '--preserve-permissions', '--delay-directory-restore'];
  const tar = spawn('tar', [...options, ...owner, '--directory', folder], { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  tar.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(0, STDERR_CHARS_MAX);
  });
  const ended = Promise.withResolvers<number | null>();
  tar.once('error', ended.reject).once('close', (code) => ended.resolve(code));
  ended.promise.catch(() => {});
  tar.stdin.on('error', () => {});
  const check = async (): Promise<void> => {
    const code = await ended.promise.catch((cause: unknown) => {
      throw new VoltError('DEPENDENCY', 'tar, which writes files, is not installed', {
        hint: 'apt install tar',
        cause,
      });
    });
    if (code !== 0) throw failure(folder, complaint);
  };
  return {
    write: async (bytes: Buffer): Promise<void> => {
      if (tar.exitCode !== null) await check();
      if (tar.stdin.write(bytes)) return;
      const drained = new AbortController();
      const { signal } = drained;
      // Whichever comes first: one that has ended takes no more.
      await Promise.race([once(tar.stdin, 'drain', { signal }), once(tar.stdin, 'close', { signal })]).catch(() => {});
      drained.abort();
    },
    end: async (): Promise<void> => {
      tar.stdin.end();
      await check();
    },
    abort: async (): Promise<void> => {
      tar.kill();
      await ended.promise.catch(() => {});
    },
  };
}

function failure(folder: string, complaint: string): VoltError {
  const [first = 'it said nothing'] = complaint.split('\n');
  const said = first.replace(/^tar: /, '');
  const code = /No space left|quota/.test(said)
    ? 'RESOURCE'
    : /Permission denied/.test(said)
      ? 'PERMISSION'
      : 'CONFLICT';
  return new VoltError(code, `Cannot write into '${folder}': ${said}`);
}
