/**
 * A set of digests that is small with a million of them: 24 bytes each, where
 * a set of strings takes over 100. Each gets a number, in the order in which
 * they come, by which more can be kept of it in arrays.
 *
 * Of each digest 16 bytes are kept. Two that share those are taken for one:
 * as likely as a collision of a hash of 128 bits, and whoever collects garbage
 * would then keep one object too many.
 */
import type { Digest } from '../store/index.ts';

const WORDS = 4;
const HEX_PER_WORD = 8;
const CAPACITY_AT_FIRST = 1024;

export class DigestTable {
  /** How many there are; their numbers are all below. */
  size = 0;
  #words = new Uint32Array(CAPACITY_AT_FIRST * WORDS);
  /** At the place of a digest: its number and one. Twice as many places as digests, so that most looks hit at once. */
  #places = new Uint32Array(CAPACITY_AT_FIRST * 2);
  readonly #wanted = new Uint32Array(WORDS);

  has(digest: Digest): boolean {
    return this.#places[this.#find(digest)] !== 0;
  }

  numberOf(digest: Digest): number | undefined {
    const found = this.#places[this.#find(digest)] as number;
    return found === 0 ? undefined : found - 1;
  }

  /** The number of a digest, which is there afterwards. */
  add(digest: Digest): number {
    const place = this.#find(digest);
    const found = this.#places[place] as number;
    if (found !== 0) return found - 1;
    this.#words.set(this.#wanted, this.size * WORDS);
    this.#places[place] = ++this.size;
    if (this.size * WORDS === this.#words.length) this.#grow();
    return this.size - 1;
  }

  /** The place where a digest is, or where it would go. */
  #find(digest: Digest): number {
    const wanted = this.#wanted;
    for (let word = 0; word < WORDS; word++) wanted[word] = wordAt(digest, word * HEX_PER_WORD);
    const last = this.#places.length - 1;
    let place = (wanted[0] as number) & last;
    for (let found = this.#places[place] as number; found !== 0; found = this.#places[place] as number) {
      if (this.#isWanted(found - 1)) return place;
      place = (place + 1) & last;
    }
    return place;
  }

  #isWanted(number: number): boolean {
    const at = number * WORDS;
    for (let word = 0; word < WORDS; word++) if (this.#words[at + word] !== this.#wanted[word]) return false;
    return true;
  }

  #grow(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    const places = new Uint32Array(this.#places.length * 2);
    const last = places.length - 1;
    for (let number = 0; number < this.size; number++) {
      let place = (words[number * WORDS] as number) & last;
      while (places[place] !== 0) place = (place + 1) & last;
      places[place] = number + 1;
    }
    this.#words = words;
    this.#places = places;
  }
}

/** Eight hex digits as a number, without making a string of them. */
function wordAt(hex: string, at: number): number {
  let word = 0;
  for (let index = at; index < at + HEX_PER_WORD; index++) {
    const code = hex.charCodeAt(index);
    word = (word << 4) | (code > 57 ? code - 87 : code - 48);
  }
  return word >>> 0;
}
