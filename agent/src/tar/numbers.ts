/** Numbers in the headers of tar. */
import { VoltError } from '@volt/shared/errors';

/** Octal digits, or with the top bit set a number in base 256. */
export function headerNumber(header: Buffer, at: number, length: number, maySubtract = false): number {
  const field = header.subarray(at, at + length);
  const first = field[0] as number;
  let value: number;
  if (first & 0x80) {
    const bits = BigInt.asIntN(
      length * 8 - 1,
      BigInt(`0x${field.toString('hex')}`) & ((1n << BigInt(length * 8 - 1)) - 1n),
    );
    value = Number(bits);
  } else {
    const digits = field.toString('latin1').replaceAll('\0', ' ').trim();
    if (!/^[0-7]*$/.test(digits)) throw bad('a number in a header is malformed');
    value = digits === '' ? 0 : Number.parseInt(digits, 8);
  }
  if (!Number.isSafeInteger(value) || (value < 0 && !maySubtract)) throw bad('a number in a header is out of range');
  return value;
}

const bad = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);
