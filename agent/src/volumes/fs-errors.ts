/** Turns what the file system says into our codes, once. */
import { VoltError } from '@volt/shared/errors';

const meanings = {
  ENOSPC: ['RESOURCE', 'no space left on the disk'],
  EDQUOT: ['RESOURCE', 'it is larger than the size it was made with'],
  EMFILE: ['RESOURCE', 'too many files are open'],
  ENAMETOOLONG: ['RESOURCE', 'a path in it is too long'],
  EROFS: ['DEPENDENCY', 'the disk can only be read'],
  EIO: ['DEPENDENCY', 'the disk is damaged'],
} as const;

export async function withFsErrors<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const errno = thrown instanceof VoltError ? undefined : (thrown as NodeJS.ErrnoException).code;
    const meaning = meanings[errno as keyof typeof meanings] as (typeof meanings)[keyof typeof meanings] | undefined;
    if (meaning === undefined) throw thrown;
    throw new VoltError(meaning[0], `${what}: ${meaning[1]}`, { cause: thrown });
  }
}
