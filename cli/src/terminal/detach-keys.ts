/** Keys that leave a program running behind: they are taken out of what is typed, one after the other. */
import { VoltError } from '@volt/shared/errors';

export const DETACH_KEYS = 'ctrl-p,ctrl-q';

const KEYS_MAX = 8;

/** From `ctrl-p,ctrl-q` or `ctrl-],x` to what a terminal sends. None for an empty text: nothing leaves then. */
export function parseKeys(text: string): Uint8Array {
  const words = text === '' ? [] : text.split(',');
  const keys = words.map(keyOf);
  if (keys.includes(undefined) || keys.length > KEYS_MAX) {
    throw new VoltError('USAGE', `'${text}' are no keys to leave with`, {
      hint: `such as ${DETACH_KEYS}: at most ${KEYS_MAX} of a letter, a sign, or ctrl- with one of a-z @ [ \\ ] ^ _`,
    });
  }
  return Uint8Array.from(keys as number[]);
}

function keyOf(word: string): number | undefined {
  if (/^[\u0021-\u007e]$/.test(word)) return word.charCodeAt(0);
  const held = /^ctrl-([a-z@[\\\]^_])$/.exec(word.toLowerCase())?.[1];
  return held === undefined ? undefined : held.toUpperCase().charCodeAt(0) & 0x1f;
}

export interface Typed {
  /** What goes to the program. */
  readonly data: Uint8Array;
  readonly isLeaving: boolean;
}

/** Holds back what may become the keys, until it does not. */
export class DetachWatch {
  readonly #keys: Uint8Array;
  #matched = 0;

  constructor(keys: Uint8Array) {
    this.#keys = keys;
  }

  take(chunk: Uint8Array): Typed {
    const keys = this.#keys;
    if (keys.length === 0) return { data: chunk, isLeaving: false };
    const held = this.#matched;
    const all = Buffer.concat([keys.subarray(0, held), chunk]);
    for (let at = held; at < all.length; at++) {
      this.#matched = longestStart(keys, all.subarray(Math.max(0, at - this.#matched), at + 1));
      if (this.#matched === keys.length) return { data: all.subarray(0, at + 1 - keys.length), isLeaving: true };
    }
    return { data: all.subarray(0, all.length - this.#matched), isLeaving: false };
  }
}

/** How many of the keys the end of `typed` is. */
function longestStart(keys: Uint8Array, typed: Uint8Array): number {
  for (let length = Math.min(keys.length, typed.length); length > 0; length--) {
    if (Buffer.compare(keys.subarray(0, length), typed.subarray(typed.length - length)) === 0) return length;
  }
  return 0;
}
