/** Turns what the file system says into our codes, once. */
import { VoltError } from '@volt/shared/errors';

export const errnoOf = (thrown: unknown): string | undefined =>
  thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;

/** A full disk is RESOURCE; the rest passes as it is. */
export async function withFsErrors<T>(doing: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const errno = thrown instanceof VoltError ? undefined : errnoOf(thrown);
    if (errno !== 'ENOSPC' && errno !== 'EDQUOT') throw thrown;
    throw new VoltError('RESOURCE', `${doing}: no space left on the disk of the store`, {
      hint: 'free some space, for example with `volt image delete`',
      cause: thrown,
    });
  }
}
