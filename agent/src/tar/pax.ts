/** PAX extended headers: records of the form "<length> <key>=<value>\n", the length counting all of it. */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, fromBytes } from '../store/index.ts';

export type Pax = Map<ByteString, ByteString>;

export function parsePax(bytes: Buffer): Pax {
  const pax: Pax = new Map();
  for (let at = 0; at < bytes.length;) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? '' : bytes.toString('latin1', at, space);
    const length = /^[1-9]\d{0,7}$/.test(digits) ? Number(digits) : 0;
    const end = at + length;
    // A value may hold anything, newlines and NUL included: only the length tells where it ends.
    if (length === 0 || end > bytes.length || bytes[end - 1] !== 0x0a) throw bad();
    const record = fromBytes(bytes.subarray(space + 1, end - 1));
    const equals = record.indexOf('=');
    if (equals <= 0) throw bad();
    setRecord(pax, record.slice(0, equals), record.slice(equals + 1));
    at = end;
  }
  return pax;
}

/** The last one counts, but for the list of a sparse file in the oldest way: a record for each number. */
function setRecord(pax: Pax, key: ByteString, value: ByteString): void {
  const isPiece = key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes';
  if (isPiece) pax.set('GNU.sparse.map', `${pax.get('GNU.sparse.map') ?? ''},${value}`);
  else pax.set(key, value);
}

const bad = (): VoltError => new VoltError('INVALID_CONFIG', 'Bad tar archive: an extended header is malformed');
