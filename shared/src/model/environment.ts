/**
 * What a container finds around it: its name and other hosts' names, its user,
 * devices, and files that are kept apart from its image. What people write
 * (`db-password:/etc/db,mode=0400`) stays in the spec as they wrote it; what it
 * means is a `GivenFile` or a `GivenDevice`. Pure.
 */
import * as z from 'zod';

const LENGTH_MAX = 4096;
const FILES_MAX = 64;
const HOSTS_MAX = 128;
const SERVERS_MAX = 3;
const SEARCH_MAX = 6;

/** Names of secrets and configs: they become names of files. */
export const GivenName = z
  .string()
  .regex(
    /^[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/,
    "must be 1 to 63 of A-Z, a-z, 0-9, '_', '.' and '-', and begin and end with a letter or digit",
  );

export type GivenKind = 'secret' | 'config';

/** A secret or a config as a file inside. */
export interface GivenFile {
  readonly kind: GivenKind;
  readonly name: string;
  readonly target: string;
  /** Number inside; of the container's user where it is not given. */
  readonly uid: number | undefined;
  readonly gid: number | undefined;
  /** Octal digits. */
  readonly mode: string;
}

export interface GivenDevice {
  /** On the node. */
  readonly source: string;
  readonly target: string;
  /** What its control group lets be done with it. */
  readonly access: 'r' | 'rw';
}

/** What is wrong with it, in words for whoever wrote it. */
class Wrong extends Error {}

const wrong = (why: string): never => {
  throw new Wrong(why);
};

/** Has nothing that separates the parts of a mount, or words of a line. */
const PLAIN_PATH = /^(?:\/[A-Za-z0-9_.@%+=-]+)+$/;

function plainPath(path: string, what: string): string {
  const hasDots = path.split('/').some((part) => part === '.' || part === '..');
  if (PLAIN_PATH.test(path) && path.length <= 1024 && !hasDots) return path;
  return wrong(`'${path}' must be ${what}: it begins with / and is of letters, digits and _.@%+=-`);
}

/** The container's own mounts. */
const taken = ['/proc', '/sys', '/dev', '/run/volt', '/run/host'];
const whole = ['/run', '/run/secrets', '/run/configs', '/etc', '/tmp', '/etc/hosts', '/etc/resolv.conf'];

function targetOf(path: string): string {
  const plain = plainPath(path, 'a path in the container');
  if (whole.includes(plain) || taken.some((one) => plain === one || plain.startsWith(`${one}/`))) {
    return wrong(`no file can be put at '${plain}'`);
  }
  return plain;
}

const folders: Readonly<Record<GivenKind, string>> = { secret: '/run/secrets', config: '/run/configs' };
/** Only its user reads a secret, and nobody changes either. */
const modes: Readonly<Record<GivenKind, string>> = { secret: '0400', config: '0444' };

/** `NAME`, `NAME:TARGET`, and after a comma `uid=`, `gid=` and `mode=`. */
function readFile(kind: GivenKind, text: string): GivenFile {
  const [place = '', ...options] = text.split(',');
  const [name = '', target = name, ...more] = place.split(':');
  if (more.length > 0) wrong('must look like NAME or NAME:/path');
  if (!GivenName.safeParse(name).success) wrong(`'${name}' is no name of a ${kind}`);
  const given = optionsOf(options, ['uid', 'gid', 'mode']);
  const mode = given['mode'] ?? modes[kind];
  if (!/^0?[0-7]{3}$/.test(mode)) wrong("'mode' is three or four octal digits, such as 0400");
  return {
    kind,
    name,
    target: targetOf(target.startsWith('/') ? target : `${folders[kind]}/${target}`),
    uid: idOf(given, 'uid'),
    gid: idOf(given, 'gid'),
    mode: mode.padStart(4, '0'),
  };
}

function optionsOf(words: readonly string[], known: readonly string[]): Record<string, string> {
  const found: Record<string, string> = {};
  for (const word of words) {
    const equals = word.indexOf('=');
    const key = word.slice(0, Math.max(equals, 0));
    if (!known.includes(key)) wrong(`'${word}' is none of ${known.map((one) => `${one}=`).join(', ')}`);
    if (found[key] !== undefined) wrong(`'${key}' is there twice`);
    found[key] = word.slice(equals + 1);
  }
  return found;
}

function idOf(given: Readonly<Record<string, string>>, key: 'uid' | 'gid'): number | undefined {
  const text = given[key];
  if (text === undefined) return undefined;
  return /^\d{1,5}$/.test(text) && Number(text) < 65_536 ? Number(text) : wrong(`'${key}' is a number below 65536`);
}

/** By the names that people know them by. A folder is all that is in it. */
export const devicesByName: Readonly<Record<string, string>> = {
  dri: '/dev/dri',
  fuse: '/dev/fuse',
  kvm: '/dev/kvm',
  'loop-control': '/dev/loop-control',
  null: '/dev/null',
  rtc: '/dev/rtc0',
  snd: '/dev/snd',
  tun: '/dev/net/tun',
  'vhost-net': '/dev/vhost-net',
  vsock: '/dev/vsock',
  watchdog: '/dev/watchdog',
};

/** `fuse`, `/dev/path`, `/dev/path:/dev/inside`, and `:r` or `:rw`. */
function readDevice(text: string): GivenDevice {
  const [first = '', ...rest] = text.split(':');
  const access = rest.at(-1)?.startsWith('/') === false ? rest.pop() : 'rw';
  if (access !== 'r' && access !== 'rw') return wrong(`ends with ':r', ':rw' or neither; not ':${access}'`);
  if (rest.length > 1) wrong('must look like NAME, /dev/path or /dev/path:/dev/inside');
  const source = first.startsWith('/') ? deviceOf(first) : devicesByName[first];
  if (source === undefined) {
    return wrong(`'${first}' is no device: it is a path below /dev, or ${Object.keys(devicesByName).join(', ')}`);
  }
  return { source, target: deviceOf(rest[0] ?? source), access };
}

function deviceOf(path: string): string {
  const plain = plainPath(path, 'a path below /dev');
  return plain.startsWith('/dev/') ? plain : wrong(`'${path}' is not below /dev`);
}

const HOST = /^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/;

/** Stands for the node, as the container reaches it. */
export const HOST_GATEWAY = 'host-gateway';

const Ip = z.union([z.ipv4(), z.ipv6()]);

/** `name:address`; an address may have colons of its own. */
function readHost(text: string): { name: string; address: string } {
  const at = text.indexOf(':');
  const name = text.slice(0, Math.max(at, 0));
  const address = text.slice(at + 1).replace(/^\[(.*)\]$/, '$1');
  if (!HOST.test(name) || name.length > 253) wrong('must look like NAME:ADDRESS');
  if (address !== HOST_GATEWAY && !Ip.safeParse(address).success) wrong(`'${address}' is no address`);
  return { name, address };
}

/** A word that is checked as soon as it is read. Its own complaint says what is wrong. */
const asked = (read: (text: string) => unknown) =>
  z
    .string()
    .max(LENGTH_MAX)
    .superRefine((text, context) => {
      try {
        read(text);
      } catch (thrown) {
        if (!(thrown instanceof Wrong)) throw thrown;
        context.addIssue({ code: 'custom', message: thrown.message });
      }
    });

const words = (read: (text: string) => unknown) => z.array(asked(read)).max(FILES_MAX).meta({ wholeWords: true });

const address = z.string().refine((text) => Ip.safeParse(text).success, { error: 'must be an address' });

export const Environment = z.object({
  hostname: z
    .string()
    .max(64)
    .regex(HOST, { error: 'must be a host name' })
    .optional()
    .describe('What it calls itself; its name unless given.'),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,31}(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,31})?$/, {
      error: 'must be USER or USER:GROUP, each a name or a number',
    })
    .optional()
    .describe('User that its program runs as: a name of the image or a number, and a group after a colon.'),
  workdir: z
    .string()
    .max(LENGTH_MAX)
    // oxlint-disable-next-line no-control-regex
    .regex(/^\/[^\0]*$/, { error: 'must be a path that begins with /' })
    .optional()
    .describe('Folder that its program begins in; the image says otherwise.'),
  addHosts: z
    .array(asked(readHost))
    .max(HOSTS_MAX)
    .optional()
    .describe('Host that it knows by name: NAME:ADDRESS, or NAME:host-gateway for its node.'),
  dns: z
    .array(address)
    .max(SERVERS_MAX)
    .meta({ flag: 'dns' })
    .optional()
    .describe('Server that it asks for names, in place of those of its node.'),
  dnsSearch: z
    .array(z.string().max(253).regex(HOST, { error: 'must be a domain' }))
    .max(SEARCH_MAX)
    .optional()
    .describe('Domain that names are looked for in.'),
  secrets: words((text) => readFile('secret', text))
    .optional()
    .describe('Secret as a file in memory: NAME or NAME:/path, and uid=, gid= and mode= after a comma.'),
  configs: words((text) => readFile('config', text))
    .optional()
    .describe('Config as a file: NAME or NAME:/path, and uid=, gid= and mode= after a comma.'),
  devices: words(readDevice)
    .optional()
    .describe('Device of its node: fuse, kvm, tun, dri and the like, or /dev/path[:/dev/inside][:r].'),
});
export type Environment = z.output<typeof Environment>;

export const givenFiles = ({ secrets = [], configs = [] }: Pick<Environment, 'secrets' | 'configs'>): GivenFile[] => [
  ...secrets.map((text) => readFile('secret', text)),
  ...configs.map((text) => readFile('config', text)),
];

export const givenDevices = ({ devices = [] }: Pick<Environment, 'devices'>): GivenDevice[] => devices.map(readDevice);

export const addedHosts = ({ addHosts = [] }: Pick<Environment, 'addHosts'>) => addHosts.map(readHost);
