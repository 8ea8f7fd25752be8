/** Entries and streams for tests. */
import type { TarEntry, TarType } from '../../tar/index.ts';
import { encodeEnd, encodeRecord } from './records.ts';

export const entry = (type: TarType, name: string, more: Partial<TarEntry> = {}): TarEntry => ({
  name,
  type,
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: '1700000000',
  sizeBytes: 0,
  linkName: '',
  major: 0,
  minor: 0,
  xattrs: new Map(),
  ...more,
});

/** What the helper would write; a file has its contents after it. */
export const streamOf = (...parts: readonly (TarEntry | string)[]): Buffer =>
  Buffer.concat([
    ...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : encodeRecord(part))),
    encodeEnd(),
  ]);

export async function* chunksOf(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  yield* parts;
}
