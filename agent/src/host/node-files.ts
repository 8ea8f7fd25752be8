import { randomBytes } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VoltError, type ErrorCode } from '@volt/shared/errors';
import { FILE_BYTES_MAX, FOLDER_ENTRIES_MAX, type Files, type FolderOptions, type WriteOptions } from './files.ts';

/** The host's own file system. */
export class NodeFiles implements Files {
  async read(path: string): Promise<string | undefined> {
    return translated(path, async () => {
      await using file = await absentIsUndefined(open(path, constants.O_RDONLY | constants.O_NOFOLLOW));
      if (file === undefined) return undefined;
      const { size } = await file.stat();
      if (size > FILE_BYTES_MAX) throw new VoltError('RESOURCE', `'${path}' is longer than ${FILE_BYTES_MAX} bytes`);
      return await file.readFile('utf8');
    });
  }

  async write(
    path: string,
    content: string | Uint8Array,
    { mode, owner, durable = true }: WriteOptions,
  ): Promise<void> {
    await translated(path, async () => {
      const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        {
          await using file = await open(temporary, 'wx', mode);
          await file.chmod(mode);
          if (owner !== undefined) await file.chown(owner, owner);
          await file.writeFile(content);
          if (durable) await file.datasync();
        }
        await rename(temporary, path);
        if (durable) await syncFolder(dirname(path));
      } catch (thrown) {
        await rm(temporary, { force: true });
        throw thrown;
      }
    });
  }

  async copy(from: string, to: string, { mode }: Pick<WriteOptions, 'mode'>): Promise<void> {
    await translated(from, async () => {
      const wanted = await readFile(from);
      const present = await absentIsUndefined(readFile(to));
      if (present?.equals(wanted)) return;
      const temporary = `${to}.${randomBytes(6).toString('hex')}.tmp`;
      try {
        await writeFile(temporary, wanted, { mode, flush: true });
        await chmod(temporary, mode);
        await rename(temporary, to);
        await syncFolder(dirname(to));
      } catch (thrown) {
        await rm(temporary, { force: true });
        throw thrown;
      }
    });
  }

  async list(path: string): Promise<string[]> {
    return translated(path, async () => {
      const names = (await absentIsUndefined(readdir(path))) ?? [];
      if (names.length > FOLDER_ENTRIES_MAX) throw new VoltError('RESOURCE', `Too many entries in '${path}'`);
      return names.sort();
    });
  }

  async exists(path: string): Promise<boolean> {
    return translated(path, async () => (await absentIsUndefined(lstat(path))) !== undefined);
  }

  async makeFolder(path: string, { mode, owner = 0 }: FolderOptions): Promise<void> {
    await translated(path, async () => {
      await mkdir(path, { recursive: true, mode });
      await chmod(path, mode);
      const { uid, gid } = await lstat(path);
      if (uid !== owner || gid !== owner) await chown(path, owner, owner);
    });
  }

  async link(target: string, path: string): Promise<void> {
    await translated(path, async () => {
      const temporary = `${path}.${randomBytes(6).toString('hex')}.tmp`;
      await symlink(target, temporary);
      await rename(temporary, path);
      await syncFolder(dirname(path));
    });
  }

  async moveFolder(from: string, to: string): Promise<void> {
    await translated(from, async () => {
      // A folder that is empty would be replaced.
      if ((await absentIsUndefined(lstat(to))) !== undefined) throw new VoltError('CONFLICT', `'${to}' exists`);
      await rename(from, to);
      await syncFolder(dirname(to));
    });
  }

  async remove(path: string): Promise<void> {
    await translated(path, async () => {
      const gone = await absentIsUndefined(unlink(path).then(() => true));
      if (gone) await syncFolder(dirname(path));
    });
  }

  async removeTree(path: string): Promise<void> {
    await translated(path, async () => {
      const top = await absentIsUndefined(lstat(path));
      if (top === undefined) return;
      await refuseMounts(path, top);
      await rm(path, { recursive: true, force: true });
    });
  }
}

/** Removing through a mount would remove what is mounted. */
async function refuseMounts(path: string, top: Stats): Promise<void> {
  if (!top.isDirectory()) return;
  for (const name of await readdir(path)) {
    const { dev } = await lstat(join(path, name));
    if (dev !== top.dev) throw new VoltError('CONFLICT', `'${join(path, name)}' is still mounted`);
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, constants.O_RDONLY | constants.O_DIRECTORY);
  await folder.sync();
}

async function absentIsUndefined<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (thrown) {
    if (codeOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  }
}

/** What the kernel calls a failure, and what we call it. Any other is DEPENDENCY. */
const codes: Readonly<Record<string, ErrorCode>> = {
  EACCES: 'PERMISSION',
  EPERM: 'PERMISSION',
  ENOENT: 'NOT_FOUND',
  ENOSPC: 'RESOURCE',
  EDQUOT: 'RESOURCE',
  ENOMEM: 'RESOURCE',
  EMFILE: 'RESOURCE',
  ENFILE: 'RESOURCE',
  EBUSY: 'CONFLICT',
};

async function translated<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === undefined || thrown instanceof VoltError) throw thrown;
    throw new VoltError(codes[code] ?? 'DEPENDENCY', `'${path}': ${code}`, { cause: thrown });
  }
}

function codeOf(thrown: unknown): string | undefined {
  const code = (thrown as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}
