/**
 * Volumes, and how they and other folders come into a container. What people
 * write (`data:/var/lib/db:ro`) is kept as they wrote it in the spec; what it
 * means is a `Mount`. Pure.
 */
import * as z from 'zod';
import { parseBytes } from '../lib/index.ts';

const LENGTH_MAX = 8192;
const MOUNTS_MAX = 64;

export const VolumeName = z
  .string()
  .regex(
    /^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
    "A volume name must be 1 to 63 of a-z, 0-9 and '-', begin with a letter and not end with '-'",
  )
  .describe('Name of the volume.');

/** Has no characters that separate the parts of a mount, here or in the words of nspawn. */
// oxlint-disable-next-line no-control-regex
const PLAIN_PATH = /^(?:\/[^/:\\"'\u0000-\u001f\u007f]+)+$/;

const Path = z.string().max(4095).regex(PLAIN_PATH);

/** One folder or file that is brought into a container, or made for it. */
export const Mount = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('volume'),
    source: VolumeName,
    target: Path,
    readOnly: z.boolean(),
    isAnonymous: z.boolean().optional().describe('Made for this container, and gone with it.'),
  }),
  z.object({
    type: z.literal('bind'),
    source: Path,
    target: Path,
    readOnly: z.boolean(),
    isFile: z.boolean().optional(),
  }),
  z.object({
    type: z.literal('tmpfs'),
    target: Path,
    sizeBytes: z.int().optional(),
    mode: z.string().regex(/^[0-7]{3,4}$/),
  }),
]);
export type Mount = z.output<typeof Mount>;
export type VolumeMount = Extract<Mount, { type: 'volume' }>;

/** As it was asked for: a volume without a name is one of the container's own. */
export type AskedMount = Exclude<Mount, VolumeMount> | (Omit<VolumeMount, 'source'> & { readonly source?: string });

/** What is wrong with it, in words for whoever wrote it. */
class Wrong extends Error {}

const wrong = (why: string): never => {
  throw new Wrong(why);
};

/** `NAME:/path`, `/folder/of/the/node:/path`, each with `:ro` if need be, or `/path` alone. */
function readVolume(text: string): AskedMount {
  const parts = text.split(':');
  if (parts.length > 3) wrong('must look like NAME:/path or NAME:/path:ro');
  const [first = '', second, third = 'rw'] = parts;
  if (second === undefined) return { type: 'volume', target: targetOf(first), readOnly: false };
  if (third !== 'ro' && third !== 'rw') wrong(`ends with ':ro', ':rw' or neither; not ':${third}'`);
  return volumeOrBind(first, second, third === 'ro');
}

function volumeOrBind(source: string, target: string, readOnly: boolean): AskedMount {
  const shared = { target: targetOf(target), readOnly };
  if (source.startsWith('/')) return { type: 'bind', source: sourceOf(source), ...shared };
  return { type: 'volume', source: nameOf(source), ...shared };
}

const aliases: Readonly<Record<string, string>> = {
  src: 'source',
  dst: 'target',
  destination: 'target',
  ro: 'readonly',
  'tmpfs-size': 'size',
  'tmpfs-mode': 'mode',
};

const keys: Readonly<Record<string, readonly string[]>> = {
  volume: ['source', 'target', 'readonly'],
  bind: ['source', 'target', 'readonly'],
  tmpfs: ['target', 'size', 'mode'],
};

/** `type=volume,source=NAME,target=/path,readonly`. */
function readMount(text: string): AskedMount {
  const { type = 'volume', ...given } = pairs(text);
  const known = keys[type] ?? wrong(`'type' is volume, bind or tmpfs; not '${type}'`);
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) wrong(`'${unknown}' is nothing that a ${type} has: it has ${known.join(', ')}`);
  const { source, target = wrong("'target' is missing"), size, mode, readonly } = given;
  if (type === 'tmpfs') return tmpfs(target, size, mode);
  const readOnly = booleanOf(readonly);
  if (type === 'bind') {
    return { type, source: sourceOf(source ?? wrong("'source' is missing")), target: targetOf(target), readOnly };
  }
  return { type: 'volume', ...(source && { source: nameOf(source) }), target: targetOf(target), readOnly };
}

/** `/path`, or `/path:size=64M,mode=1777`. */
function readTmpfs(text: string): AskedMount {
  const colon = text.indexOf(':');
  if (colon === -1) return tmpfs(text);
  const { size, mode, ...others } = pairs(text.slice(colon + 1));
  const [other] = Object.keys(others);
  if (other !== undefined) wrong(`'${other}' is nothing that it has: it has size and mode`);
  return tmpfs(text.slice(0, colon), size, mode);
}

function tmpfs(target: string, size?: string, mode = '1777'): AskedMount {
  const sizeBytes = size === undefined ? undefined : parseBytes(size);
  if (size !== undefined && (sizeBytes === undefined || sizeBytes === 0)) wrong(`'size' is an amount such as 64M`);
  if (!/^[0-7]{3,4}$/.test(mode)) wrong("'mode' is three or four octal digits, such as 1777");
  return { type: 'tmpfs', target: targetOf(target), ...(sizeBytes !== undefined && { sizeBytes }), mode };
}

function pairs(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const part of text.split(',')) {
    const equals = part.indexOf('=');
    const word = equals === -1 ? part : part.slice(0, equals);
    const key = aliases[word] ?? word;
    if (!/^[a-z]{1,20}$/.test(key)) wrong(`'${part}' must look like KEY=VALUE`);
    if (found[key] !== undefined) wrong(`'${key}' is there twice`);
    found[key] = equals === -1 ? 'true' : part.slice(equals + 1);
  }
  return found;
}

function booleanOf(word = 'false'): boolean {
  if (word === 'true' || word === '1') return true;
  return word === 'false' || word === '0' ? false : wrong(`'readonly' is true or false, not '${word}'`);
}

function nameOf(name: string): string {
  if (VolumeName.safeParse(name).success) return name;
  if (/^[.~]/.test(name) || name.includes('/')) return wrong(`'${name}': a folder of the node begins with /`);
  return wrong(`'${name}' is no volume's name: a-z, 0-9 and '-', beginning with a letter`);
}

/** What the container's own mounts are at, or what would hide all of it. */
const taken = ['/proc', '/sys', '/run/volt', '/run/host'];
const whole = ['/dev', '/run'];

function targetOf(path: string): string {
  const plain = pathOf(path, 'a path in the container');
  if (whole.includes(plain) || taken.some((one) => plain === one || plain.startsWith(`${one}/`))) {
    wrong(`nothing can be put at '${plain}'`);
  }
  return plain;
}

const sourceOf = (path: string): string =>
  path === '/' ? wrong("'/' is all of the node") : pathOf(path, 'a folder of the node');

function pathOf(path: string, what: string): string {
  const plain = path.replace(/\/+$/, '');
  const isPlain =
    plain.length <= 4095 && PLAIN_PATH.test(plain) && !plain.split('/').some((p) => p === '.' || p === '..');
  return isPlain
    ? plain
    : wrong(`'${path}' must be ${what}: it begins with / and has no '..', ':', quotes or backslashes`);
}

/** A word that is checked as soon as it is read. Its own complaint says what is wrong. */
const asked = (read: (text: string) => AskedMount) =>
  z
    .string()
    .max(LENGTH_MAX)
    .superRefine((text, context) => {
      const message = problemOf(() => read(text));
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });

function problemOf(act: () => unknown): string | undefined {
  try {
    act();
    return undefined;
  } catch (thrown) {
    if (thrown instanceof Wrong) return thrown.message;
    throw thrown;
  }
}

/** What a container is given besides the files of its image. */
export const Storage = z.object({
  volumes: z
    .array(asked(readVolume))
    .max(MOUNTS_MAX)
    .meta({ wholeWords: true })
    .optional()
    .describe('Volume, or folder of the node, at a path: NAME:/path or /folder:/path, and :ro to only read.'),
  mounts: z
    .array(asked(readMount))
    .max(MOUNTS_MAX)
    .meta({ wholeWords: true })
    .optional()
    .describe('The same in words: type=volume|bind|tmpfs,source=NAME,target=/path,readonly,size=64M.'),
  tmpfs: z
    .array(asked(readTmpfs))
    .max(MOUNTS_MAX)
    .meta({ wholeWords: true, flag: 'tmpfs' })
    .optional()
    .describe('Folder in memory, as /path or /path:size=64M,mode=1777; a tenth of the memory unless it says.'),
});
export type Storage = z.output<typeof Storage>;

/** All that was asked for, in the order of the paths. */
export function askedMounts({ volumes = [], mounts = [], tmpfs: inMemory = [] }: Storage): AskedMount[] {
  const all = [...volumes.map(readVolume), ...mounts.map(readMount), ...inMemory.map(readTmpfs)];
  return all.toSorted((a, b) => (a.target < b.target ? -1 : 1));
}

/** Paths that an image wants volumes at; those that cannot be one are left out. */
export const volumeTargets = (paths: readonly string[]): string[] =>
  paths.filter((path) => problemOf(() => targetOf(path)) === undefined).map(targetOf);

const Size = z.string().refine((text) => (parseBytes(text) ?? 0) > 0, { error: 'must be an amount such as 10G' });

export const VolumeLabels = z.record(z.string().regex(/^[a-z0-9][a-z0-9._/-]{0,62}$/), z.string().max(256));

/** What a volume is made with. */
export const VolumeSpec = z.object({
  name: VolumeName,
  size: Size.optional().describe('Most that it may hold, such as 10G, where the file system can enforce that.'),
  labels: VolumeLabels.default({}).describe('Labels to find it by.'),
});
export type VolumeSpec = z.output<typeof VolumeSpec>;

export const VolumeSummary = VolumeSpec.extend({
  isAnonymous: z.boolean().describe('Made for a container whose image asks for it, and gone with that.'),
  usedBy: z.array(z.string()).describe('Containers that have it, also while they do not run.'),
  createdAt: z.iso.datetime(),
});
export type VolumeSummary = z.output<typeof VolumeSummary>;

export const VolumeDetail = VolumeSummary.extend({
  path: z.string().describe('Where its files are on the node, owned by the numbers that users have inside.'),
  sizeBytes: z.int().nullable().describe('What it takes of the disk; null where counting takes too long.'),
  users: z.array(z.object({ container: z.string(), target: z.string(), readOnly: z.boolean() })),
});
export type VolumeDetail = z.output<typeof VolumeDetail>;
