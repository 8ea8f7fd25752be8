/** How a layer says that a name of a lower layer is gone. */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, shown } from '../store/index.ts';

const PREFIX = '.wh.';
const OPAQUE = '.wh..wh..opq';
/** Bookkeeping of AUFS, which older images carry. */
const BOOKKEEPING = '.wh..wh.';

export type LayerChange =
  | { readonly kind: 'entry' | 'remove' | 'clear'; readonly path: ByteString }
  | { readonly kind: 'none' };

/** What an entry with this path does to the layers below. Throws INVALID_CONFIG for one that has no meaning. */
export function changeOf(path: ByteString): LayerChange {
  if (!path.includes(PREFIX)) return { kind: 'entry', path };
  const names = path.split('/');
  const name = names.pop() ?? '';
  if (names.some((folder) => folder.startsWith(BOOKKEEPING))) return { kind: 'none' };
  if (names.some((folder) => folder.startsWith(PREFIX))) throw bad(path);
  if (name === OPAQUE) return { kind: 'clear', path: names.join('/') };
  if (name.startsWith(BOOKKEEPING)) return { kind: 'none' };
  if (!name.startsWith(PREFIX)) return { kind: 'entry', path };
  const hidden = name.slice(PREFIX.length);
  if (hidden === '' || hidden === '.' || hidden === '..') throw bad(path);
  return { kind: 'remove', path: [...names, hidden].join('/') };
}

/** Whether a layer can hold a file of this path: it would take some for removals. */
export const isLayerName = (path: ByteString): boolean => !path.split('/').some((name) => name.startsWith(PREFIX));

const bad = (path: ByteString): VoltError =>
  new VoltError('INVALID_CONFIG', `Bad tar archive: '${shown(path)}' removes nothing that has a name`);
