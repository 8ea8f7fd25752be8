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
/** By the first byte, so that no more than this part has to be laid out anew when it is full. */
const PARTS = 256;
const PLACES_AT_FIRST = 16;

export class DigestTable {
  /** How many there are; their numbers are all below. */
  size = 0;
  #words = new Uint32Array(CAPACITY_AT_FIRST * WORDS);
  /** At the place of a digest: its number and one. Twice as many places as digests, so that most looks hit at once. */
  readonly #places = Array.from({ length: PARTS }, () => new Uint32Array(PLACES_AT_FIRST));
  readonly #sizes = new Uint32Array(PARTS);
  readonly #wanted = new Uint32Array(WORDS);

  has(digest: Digest): boolean {
    return this.numberOf(digest) !== undefined;
  }

  numberOf(digest: Digest): number | undefined {
    const places = this.#placesFor(digest);
    const found = places[this.#find(places)] as number;
    return found === 0 ? undefined : found - 1;
  }

  /** The number of a digest, which is there afterwards. */
  add(digest: Digest): number {
    const places = this.#placesFor(digest);
    const place = this.#find(places);
    const found = places[place] as number;
    if (found !== 0) return found - 1;
    if ((this.size + 1) * WORDS > this.#words.length) this.#growWords();
    this.#words.set(this.#wanted, this.size * WORDS);
    places[place] = ++this.size;
    const part = partOf(this.#wanted);
    this.#sizes[part] = (this.#sizes[part] as number) + 1;
    if (this.#sizes[part] * 2 > places.length) this.#growPart(part);
    return this.size - 1;
  }

  #placesFor(digest: Digest): Uint32Array {
    for (let word = 0; word < WORDS; word++) this.#wanted[word] = wordAt(digest, word * HEX_PER_WORD);
    return this.#places[partOf(this.#wanted)] as Uint32Array;
  }

  /** The place where what is wanted is, or where it would go. */
  #find(places: Uint32Array): number {
    const last = places.length - 1;
    let place = (this.#wanted[1] as number) & last;
    for (let found = places[place] as number; found !== 0; found = places[place] as number) {
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

  #growWords(): void {
    const words = new Uint32Array(this.#words.length * 2);
    words.set(this.#words);
    this.#words = words;
  }

  #growPart(part: number): void {
    const old = this.#places[part] as Uint32Array;
    const places = new Uint32Array(old.length * 2);
    const last = places.length - 1;
    for (const found of old) {
      if (found === 0) continue;
      let place = (this.#words[(found - 1) * WORDS + 1] as number) & last;
      while (places[place] !== 0) place = (place + 1) & last;
      places[place] = found;
    }
    this.#places[part] = places;
  }
}

const partOf = (words: Uint32Array): number => (words[0] as number) >>> 24;

/** Eight hex digits as a number, without making a string of them. */
function wordAt(hex: string, at: number): number {
  let word = 0;
  for (let index = at; index < at + HEX_PER_WORD; index++) {
    const code = hex.charCodeAt(index);
    word = (word << 4) | (code > 57 ? code - 87 : code - 48);
  }
  return word >>> 0;
}
