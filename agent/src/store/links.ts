/**
 * What an object refers to, read from the object itself. Trees, image
 * manifests and the manifests of OCI are known; everything else refers to
 * nothing.
 *
 * Memory stays flat: a tree is read line by line, and of each line only the
 * end matters. That of a file is `,"digest":"<64 hex digits>"}` and no other
 * line ends so, because quotes inside of names and targets are escaped.
 */
import { type Digest, isDigest } from './digest.ts';
import { TREE_HEADER } from './tree-codec.ts';

export interface Link {
  readonly digest: Digest;
  /** Contents refer to nothing, whatever they look like; a manifest is to be read for links of its own. */
  readonly to: 'contents' | 'manifest';
}

/** OCI's own limit for manifests. What is longer and not a tree is no manifest. */
const MANIFEST_BYTES_MAX = 4 * 1024 * 1024;

const TREE_START = Buffer.from(`${TREE_HEADER}\n`);
const DIGEST_KEY = Buffer.from(',"digest":"');
const DIGEST_CHARS = 64;
const LINE_END_BYTES = DIGEST_KEY.length + DIGEST_CHARS + 2;

const NEWLINE = 0x0a;
const QUOTE = 0x22;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;

/** Every link of an object whose contents come in chunks; one that occurs twice is given twice. */
export async function* linksOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Link> {
  let start: Buffer = Buffer.alloc(0);
  let tree: TreeScanner | undefined;
  for await (const chunk of chunks) {
    if (tree === undefined) {
      start = Buffer.concat([start, chunk]);
      if (start.length > 0 && start[0] !== BRACE_OPEN) return;
      if (start.length < TREE_START.length) continue;
      if (start.subarray(0, TREE_START.length).equals(TREE_START)) tree = new TreeScanner();
      else if (start.length > MANIFEST_BYTES_MAX) return;
      else continue;
      yield* tree.scan(start.subarray(TREE_START.length));
      continue;
    }
    yield* tree.scan(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
  }
  if (tree === undefined) yield* manifestLinks(start);
}

/** Finds the digests at the ends of lines, across the borders of chunks. */
class TreeScanner {
  /** The end of a line that goes on in the next chunk: no more than matters. */
  #rest: Buffer = Buffer.alloc(0);

  *scan(chunk: Buffer): Generator<Link> {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const part = chunk.subarray(Math.max(start, end - LINE_END_BYTES), end);
      const line = part.length < LINE_END_BYTES && start === 0 ? Buffer.concat([this.#rest, part]) : part;
      const digest = digestAtEnd(line);
      if (digest !== undefined) yield { digest, to: 'contents' };
      start = end + 1;
    }
    const before = start === 0 ? this.#rest : Buffer.alloc(0);
    this.#rest = Buffer.concat([before, chunk.subarray(start)].map((part) => part.subarray(-LINE_END_BYTES))).subarray(
      -LINE_END_BYTES,
    );
  }
}

function digestAtEnd(line: Buffer): Digest | undefined {
  const { length } = line;
  if (length < LINE_END_BYTES || line[length - 1] !== BRACE_CLOSE || line[length - 2] !== QUOTE) return undefined;
  const at = length - LINE_END_BYTES;
  if (DIGEST_KEY.compare(line, at, at + DIGEST_KEY.length) !== 0) return undefined;
  const digest = line.toString('latin1', at + DIGEST_KEY.length, length - 2);
  return isDigest(digest) ? digest : undefined;
}

/** The shape of everything below, as far as it matters; nothing else is looked at. */
interface AnyManifest {
  readonly kind?: unknown;
  readonly tree?: unknown;
  readonly schemaVersion?: unknown;
  readonly config?: unknown;
  readonly layers?: unknown;
  readonly manifests?: unknown;
}

function* manifestLinks(bytes: Buffer): Generator<Link> {
  const manifest = parseObject(bytes);
  if (manifest?.kind === 'volt.image.v1' && isDigest(manifest.tree)) {
    yield { digest: manifest.tree, to: 'manifest' };
  } else if (manifest?.schemaVersion === 2) {
    const { config, layers, manifests } = manifest;
    for (const descriptor of [config, ...listOf(layers)]) yield* descriptorLink(descriptor, 'contents');
    for (const descriptor of listOf(manifests)) yield* descriptorLink(descriptor, 'manifest');
  }
}

/** OCI spells a digest with its algorithm in front. */
function* descriptorLink(descriptor: unknown, to: Link['to']): Generator<Link> {
  if (typeof descriptor !== 'object' || descriptor === null || !('digest' in descriptor)) return;
  const [, digest] = /^sha(?:256|512):([0-9a-f]+)$/.exec(String(descriptor.digest)) ?? [];
  if (isDigest(digest)) yield { digest, to };
}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

function parseObject(bytes: Buffer): AnyManifest | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
