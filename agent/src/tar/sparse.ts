/**
 * Files with holes, as GNU tar writes them: only the pieces that hold
 * something are in the archive, after a list of where they belong. That list
 * is in the header and blocks after it (the old way, type 'S'), in PAX records
 * (0.0 and 0.1), or in front of the contents (1.0).
 */
import { VoltError } from '@volt/shared/errors';
import type { ByteReader } from '../store/index.ts';
import { headerNumber } from './numbers.ts';
import type { Pax } from './pax.ts';

/** Where one piece of the contents belongs in the file. */
export interface Piece {
  readonly offset: number;
  readonly sizeBytes: number;
}

export interface Sparse {
  readonly pieces: readonly Piece[];
  /** With its holes. */
  readonly sizeBytes: number;
}

/** A file in more pieces is not for saving space. */
const PIECES_MAX = 65_536;
const BLOCK_BYTES = 512;
const PIECE_BYTES = 24;
const ZEROS = Buffer.alloc(64 * 1024);

/** Undefined for a file stored whole. `sizeBytes` is what of it lies in the archive, the list of 1.0 included. */
export async function readSparse(
  reader: ByteReader,
  { header, pax, sizeBytes }: { readonly header: Buffer; readonly pax: Pax; readonly sizeBytes: number },
): Promise<Sparse | undefined> {
  const start = reader.position;
  const found = await readList(reader, header, pax);
  if (found === undefined) return undefined;
  const isInContents = pax.has('GNU.sparse.major');
  checkPieces(found, sizeBytes - (isInContents ? reader.position - start : 0));
  return found;
}

async function readList(reader: ByteReader, header: Buffer, pax: Pax): Promise<Sparse | undefined> {
  if (header[156] === 'S'.charCodeAt(0)) {
    return { pieces: await readOldList(reader, header), sizeBytes: headerNumber(header, 483, 12) };
  }
  const map = pax.get('GNU.sparse.map');
  if (pax.get('GNU.sparse.major') === '1' && pax.get('GNU.sparse.minor') === '0') {
    return { pieces: await readNewList(reader), sizeBytes: decimal(pax.get('GNU.sparse.realsize')) };
  }
  if (map !== undefined && !pax.has('GNU.sparse.major')) {
    return { pieces: toPieces(map.split(',')), sizeBytes: decimal(pax.get('GNU.sparse.size')) };
  }
  if ([...pax.keys()].some((key) => key.startsWith('GNU.sparse.')))
    throw bad('a sparse file is in an unknown encoding');
  return undefined;
}

/** Four pieces in the header, and 21 in each block that follows while its mark says so. */
async function readOldList(reader: ByteReader, header: Buffer): Promise<Piece[]> {
  const pieces = oldPieces(header.subarray(386, 386 + 4 * PIECE_BYTES));
  for (let goesOn = header[482] !== 0; goesOn;) {
    const block = await readBlock(reader);
    pieces.push(...oldPieces(block.subarray(0, 21 * PIECE_BYTES)));
    if (pieces.length > PIECES_MAX) throw tooMany();
    goesOn = block[504] !== 0;
  }
  return pieces;
}

function oldPieces(bytes: Buffer): Piece[] {
  const pieces: Piece[] = [];
  for (let at = 0; at < bytes.length && bytes[at] !== 0; at += PIECE_BYTES) {
    pieces.push({ offset: headerNumber(bytes, at, 12), sizeBytes: headerNumber(bytes, at + 12, 12) });
  }
  return pieces;
}

/** Decimal numbers, a line each: how many pieces, then offset and size of each. Blocks are filled with zeros. */
async function readNewList(reader: ByteReader): Promise<Piece[]> {
  let text = '';
  let lines: string[] = [];
  const wanted = (): number => 1 + 2 * decimal(lines[0]);
  do {
    text += (await readBlock(reader)).toString('latin1');
    lines = text.split('\n');
    if (lines.length > 1 && wanted() > 2 * PIECES_MAX) throw tooMany();
  } while (lines.length < 2 || lines.length <= wanted());
  return toPieces(lines.slice(1, wanted()));
}

function toPieces(numbers: readonly string[]): Piece[] {
  const values = numbers.filter((text) => text !== '').map(decimal);
  if (values.length % 2 !== 0) throw bad('a list of pieces is malformed');
  if (values.length > 2 * PIECES_MAX) throw tooMany();
  return Array.from({ length: values.length / 2 }, (_, index) => ({
    offset: values[2 * index] as number,
    sizeBytes: values[2 * index + 1] as number,
  }));
}

/** In order, apart, within the file, and together as much as there is. */
function checkPieces({ pieces, sizeBytes }: Sparse, storedBytes: number): void {
  let at = 0;
  let stored = 0;
  for (const piece of pieces) {
    if (piece.offset < at) throw bad('pieces of a sparse file overlap');
    at = piece.offset + piece.sizeBytes;
    stored += piece.sizeBytes;
  }
  if (at > sizeBytes || stored !== storedBytes) throw bad('the pieces of a sparse file do not fit');
}

/** The contents of a file, holes as zeros. Shorter than its size only where the archive ends early. */
export async function* contentsOf(
  { sizeBytes, pieces }: { readonly sizeBytes: number; readonly pieces?: readonly Piece[] | undefined },
  reader: ByteReader,
): AsyncGenerator<Buffer> {
  if (pieces === undefined) {
    yield* reader.stream(sizeBytes);
    return;
  }
  let at = 0;
  for (const piece of pieces) {
    yield* zeros(piece.offset - at);
    yield* reader.stream(piece.sizeBytes);
    at = piece.offset + piece.sizeBytes;
  }
  yield* zeros(sizeBytes - at);
}

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= ZEROS.length) yield ZEROS.subarray(0, Math.min(left, ZEROS.length));
}

async function readBlock(reader: ByteReader): Promise<Buffer> {
  const block = await reader.read(BLOCK_BYTES);
  if (block.length < BLOCK_BYTES) throw bad('it ends early');
  return block;
}

function decimal(text: string | undefined): number {
  if (text === undefined || !/^\d{1,15}$/.test(text)) throw bad('a list of pieces is malformed');
  return Number(text);
}

const tooMany = (): VoltError => bad(`a sparse file has more than ${PIECES_MAX} pieces`);
const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);
