/** One hash over what the kernel says of every entry of a folder: as long as it is the same, nothing changed. */
import type { Digest, Hash, Hasher } from '../store/index.ts';
import type { Found } from './walk.ts';

/** Lines that are hashed at a time. */
const LINES = 512;

export class Fingerprint {
  /** When the youngest entry changed, contents or metadata. */
  newestNs = 0n;
  readonly #hasher: Hasher;
  #lines: string[] = [];

  constructor(hash: Hash) {
    this.#hasher = hash.start();
  }

  add({ path, stats }: Found): void {
    const { dev, ino, mode, nlink, uid, gid, size, mtimeNs, ctimeNs } = stats;
    // Names hold no NUL. The time of change stands for attributes, targets of links and numbers of devices.
    this.#lines.push(`${path}\0${dev} ${ino} ${mode} ${nlink} ${uid} ${gid} ${size} ${mtimeNs} ${ctimeNs}\0`);
    if (this.#lines.length >= LINES) this.#flush();
    if (ctimeNs > this.newestNs) this.newestNs = ctimeNs;
  }

  /** Once. */
  end(): Digest {
    this.#flush();
    const digest = this.#hasher.end();
    this.#hasher.dispose();
    return digest;
  }

  #flush(): void {
    this.#hasher.update(Buffer.from(this.#lines.join(''), 'latin1'));
    this.#lines = [];
  }
}
