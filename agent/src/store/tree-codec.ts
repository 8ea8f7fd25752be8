/**
 * The encoding of a tree, which is an object itself.
 *
 * Lines of JSON, each ended by a newline. The first is
 *   {"kind":"volt.tree.v1"}
 * and every other is one entry, in the order of the tree, its keys in the
 * order of the schemas below and without white space:
 *   {"path":"usr/bin/env","type":"file","mode":"0755","uid":0,"gid":0,
 *    "mtime":"1700000000","sizeBytes":48536,"digest":"…"}
 *   {"path":"bin","type":"symlink","mode":"0777",…,"target":"usr/bin"}
 *   {"path":"usr/bin/pigz","type":"hardlink","target":"usr/bin/unpigz"}
 * A path or target that is not UTF-8 is written as base64 under "pathBytes" or
 * "targetBytes" in the same place. "xattrs" follows mtime, sorted by name.
 *
 * There is one encoding for a tree: the decoder refuses any other spelling, so
 * equal trees always have equal digests.
 */
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import { type ByteString, bytesOf, fromBytes, fromText, textOf } from './byte-string.ts';
import { checkTree, type Kind, type Metadata, type Tree, type TreeEntry } from './tree.ts';

export const TREE_HEADER = JSON.stringify({ kind: 'volt.tree.v1' });

const LINES_AT_ONCE = 1024;

/** The largest id of Linux is 2^32 - 2; the last value means "none". */
const Id = z.int().min(0).max(0xfffffffe);
const path = { path: z.string().optional(), pathBytes: z.base64().optional() };
const target = { target: z.string().optional(), targetBytes: z.base64().optional() };
const metadata = {
  mode: z.string().regex(/^[0-7]{4}$/),
  uid: Id,
  gid: Id,
  mtime: z.string().regex(/^-?(0|[1-9]\d{0,11})(\.\d{0,8}[1-9])?$/),
  xattrs: z.record(z.string().min(1).max(255), z.base64().max(90_000)).optional(),
};
const device = { ...path, type: z.enum(['chardev', 'blockdev']), ...metadata };

const Line = z.discriminatedUnion('type', [
  z.strictObject({ ...path, type: z.literal('dir'), ...metadata }),
  z.strictObject({
    ...path,
    type: z.literal('file'),
    ...metadata,
    sizeBytes: z.int().min(0),
    digest: z.string().regex(/^[0-9a-f]{64}$/),
  }),
  z.strictObject({ ...path, type: z.literal('symlink'), ...metadata, ...target }),
  z.strictObject({ ...path, type: z.literal('hardlink'), ...target }),
  z.strictObject({ ...device, major: z.int().min(0).max(0xfff), minor: z.int().min(0).max(0xfffff) }),
  z.strictObject({ ...path, type: z.literal('fifo'), ...metadata }),
]);
type Line = z.output<typeof Line>;

/** Whether a time is spelled as a tree wants it. */
export const isMtime = (text: string): boolean => metadata.mtime.safeParse(text).success;

export function encodeTree(tree: Tree): Buffer {
  checkTree(tree);
  const parts = [Buffer.from(`${TREE_HEADER}\n`)];
  // In parts, as the text of all and its bytes are not to be there at the same time.
  for (let at = 0; at < tree.length; at += LINES_AT_ONCE) {
    const lines = tree.slice(at, at + LINES_AT_ONCE).map(toLine);
    parts.push(Buffer.from(lines.join('')));
  }
  return Buffer.concat(parts);
}

/** Throws INVALID_CONFIG for anything `encodeTree` would not have written. */
export function decodeTree(bytes: Uint8Array): Tree {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, ...lines] = buffer.toString('utf8').split('\n');
  if (first !== TREE_HEADER || lines.pop() !== '') throw bad('it is not a volt.tree.v1');
  const tree = lines.map((line, index): TreeEntry => {
    const parsed = Line.safeParse(parseJson(line));
    if (!parsed.success) throw bad(`line ${index + 2} is malformed`);
    return fromLine(parsed.data);
  });
  if (!encodeTree(tree).equals(buffer)) throw bad('it is not in its canonical encoding');
  return tree;
}

/** With its newline. By hand, as millions take their time: keys in the order of the schemas, without white space. */
function toLine(entry: TreeEntry): string {
  const { path, type } = entry;
  if (type === 'hardlink') return `{${spell(path, 'path')},"type":"hardlink",${spell(entry.target, 'target')}}\n`;
  const { mode, uid, gid, mtime } = entry;
  const numbers = `"mode":"${mode.toString(8).padStart(4, '0')}","uid":${uid},"gid":${gid},"mtime":"${mtime}"`;
  return `{${spell(path, 'path')},"type":"${type}",${numbers}${xattrsIn(entry)}${kindIn(entry)}}\n`;
}

function xattrsIn({ xattrs }: Metadata): string {
  if (xattrs === undefined || Object.keys(xattrs).length === 0) return '';
  return `,"xattrs":${JSON.stringify(Object.fromEntries(Object.entries(xattrs).toSorted()))}`;
}

function kindIn(kind: Kind): string {
  switch (kind.type) {
    case 'file':
      return `,"sizeBytes":${kind.sizeBytes},"digest":"${kind.digest}"`;
    case 'symlink':
      return `,${spell(kind.target, 'target')}`;
    case 'chardev':
    case 'blockdev':
      return `,"major":${kind.major},"minor":${kind.minor}`;
    case 'dir':
    case 'fifo':
      return '';
  }
}

function fromLine(line: Line): TreeEntry {
  const path = unspell(line.path, line.pathBytes);
  if (line.type === 'hardlink') return { path, type: line.type, target: unspell(line.target, line.targetBytes) };
  const { uid, gid, mtime, xattrs } = line;
  const metadata = { mode: Number.parseInt(line.mode, 8), uid, gid, mtime, ...(xattrs && { xattrs }) };
  return { path, ...metadata, ...kindOf(line) };
}

function kindOf(line: Exclude<Line, { type: 'hardlink' }>): Kind {
  switch (line.type) {
    case 'file':
      return { type: line.type, sizeBytes: line.sizeBytes, digest: line.digest };
    case 'symlink':
      return { type: line.type, target: unspell(line.target, line.targetBytes) };
    case 'chardev':
    case 'blockdev':
      return { type: line.type, major: line.major, minor: line.minor };
    case 'dir':
    case 'fifo':
      return { type: line.type };
  }
}

function spell(name: ByteString, key: 'path' | 'target'): string {
  const text = textOf(name);
  if (text === undefined) return `"${key}Bytes":"${bytesOf(name).toString('base64')}"`;
  return `"${key}":${JSON.stringify(text)}`;
}

function unspell(text: string | undefined, base64: string | undefined): ByteString {
  if (text !== undefined) return fromText(text);
  return fromBytes(Buffer.from(base64 ?? '', 'base64'));
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

const bad = (what: string): VoltError => new VoltError('INVALID_CONFIG', `Bad file tree: ${what}`);
