/** How many of an inode's names were seen, for as many inodes as it takes: 12 bytes each and some air. */
const CAPACITY_AT_FIRST = 1024;

export class InodeCounts {
  #inodes = new Float64Array(CAPACITY_AT_FIRST);
  #counts = new Uint32Array(CAPACITY_AT_FIRST);
  #used = 0;

  get(inode: number): number {
    return this.#counts[this.#find(inode)] as number;
  }

  /** The count afterwards. */
  add(inode: number): number {
    const place = this.#find(inode);
    const count = (this.#counts[place] as number) + 1;
    this.#inodes[place] = inode;
    this.#counts[place] = count;
    if (count === 1 && ++this.#used * 2 > this.#inodes.length) this.#grow();
    return count;
  }

  #find(inode: number): number {
    const last = this.#inodes.length - 1;
    // Inodes of one folder are neighbours: multiplying spreads them.
    let place = Math.imul(inode % 0x100000000, 0x9e3779b1) & last;
    while (this.#counts[place] !== 0 && this.#inodes[place] !== inode) place = (place + 1) & last;
    return place;
  }

  #grow(): void {
    const [inodes, counts] = [this.#inodes, this.#counts];
    this.#inodes = new Float64Array(inodes.length * 2);
    this.#counts = new Uint32Array(counts.length * 2);
    for (let index = 0; index < inodes.length; index++) {
      if (counts[index] === 0) continue;
      const place = this.#find(inodes[index] as number);
      this.#inodes[place] = inodes[index] as number;
      this.#counts[place] = counts[index] as number;
    }
  }
}
