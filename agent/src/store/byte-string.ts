/**
 * File names are bytes, not text. Here a name is a JavaScript string with one
 * character for each byte ("binary string"), so that any name survives,
 * comparison by `<` is comparison of bytes, and names work as map keys.
 */
import { isUtf8 } from 'node:buffer';

/** A string whose characters are all in U+0000 to U+00FF: one for each byte. */
export type ByteString = string;

// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const isAsciiText = (name: ByteString): boolean => /^[\u0000-\u007f]*$/.test(name);

export const bytesOf = (name: ByteString): Buffer => Buffer.from(name, 'latin1');

export const fromBytes = (bytes: Uint8Array): ByteString =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

export const fromText = (text: string): ByteString => fromBytes(Buffer.from(text, 'utf8'));

/** The text a name spells, or undefined where its bytes are not UTF-8. */
export function textOf(name: ByteString): string | undefined {
  if (isAsciiText(name)) return name;
  const bytes = bytesOf(name);
  return isUtf8(bytes) ? bytes.toString('utf8') : undefined;
}

/** For messages: text where it is text, `\xNN` for every byte that is not printable. */
export function shown(name: ByteString): string {
  const text = textOf(name);
  // oxlint-disable-next-line no-control-regex -- control characters are what must not reach a terminal
  if (text !== undefined && !/[\u0000-\u001f\u007f-\u009f]/.test(text)) return text;
  return name.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

/** What the file system calls take: a plain string where that is the same, bytes elsewhere. */
export function fsName(name: ByteString): string | Buffer {
  return isAsciiText(name) ? name : bytesOf(name);
}

export function fsPath(folder: string, name: ByteString): string | Buffer {
  if (name === '') return folder;
  const below = fsName(name);
  return typeof below === 'string' ? `${folder}/${below}` : Buffer.concat([Buffer.from(`${folder}/`), below]);
}
