/** Reads exact numbers of bytes from a stream that comes in chunks of any size. */
export class ByteReader {
  readonly #source: AsyncIterator<Uint8Array>;
  #chunk: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Bytes handed out so far: where in the stream we are. */
  position = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#source = source[Symbol.asyncIterator]();
  }

  /** The next `size` bytes, or fewer where the stream ends first. Without a copy where one chunk holds them. */
  async read(size: number): Promise<Buffer> {
    if (this.#chunk.length - this.#at >= size) return this.#take(size);
    const parts: Buffer[] = [];
    let missing = size;
    while (missing > 0 && (await this.#fill())) {
      const part = this.#take(Math.min(missing, this.#chunk.length - this.#at));
      parts.push(part);
      missing -= part.length;
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
  }

  /** The next `size` bytes in chunks as they come; fewer where the stream ends first. */
  async *stream(size: number): AsyncGenerator<Buffer> {
    let missing = size;
    while (missing > 0 && (await this.#fill())) {
      const part = this.#take(Math.min(missing, this.#chunk.length - this.#at));
      missing -= part.length;
      yield part;
    }
  }

  /** Everything to the end, thrown away. Returns how much it was. */
  async drain(): Promise<number> {
    const before = this.position;
    while (await this.#fill()) this.#take(this.#chunk.length - this.#at);
    return this.position - before;
  }

  /** Tells the source that no more is wanted. */
  async close(): Promise<void> {
    await this.#source.return?.();
  }

  #take(size: number): Buffer {
    const part = this.#chunk.subarray(this.#at, this.#at + size);
    this.#at += size;
    this.position += size;
    return part;
  }

  async #fill(): Promise<boolean> {
    while (this.#at >= this.#chunk.length) {
      const next = await this.#source.next();
      if (next.done === true) return false;
      this.#chunk = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength);
      this.#at = 0;
    }
    return true;
  }
}
