/** Small files in which the store remembers what operations found. Losing one loses no data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile, type Store, uniqueName } from '../store/index.ts';

export type NoteName = 'collected' | 'counts' | 'verified';

/** Undefined where there is none, or none that can be read. */
export function readNote(store: Store, name: NoteName): unknown {
  try {
    return JSON.parse(readFileSync(pathOf(store, name), 'utf8'));
  } catch {
    return undefined;
  }
}

export function writeNote(store: Store, name: NoteName, value: object): void {
  replaceFile(pathOf(store, name), `${JSON.stringify(value)}\n`, uniqueName(store.objects.layout.tmp, 'note'));
}

const pathOf = (store: Store, name: NoteName): string => join(store.objects.layout.root, `${name}.json`);
