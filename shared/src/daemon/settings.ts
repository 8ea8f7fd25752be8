/**
 * /etc/volt/config.yaml: one row a setting. What a row does not say is not a
 * setting, so a misspelt name is an error and not a silent default.
 */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';

export interface Setting {
  readonly schema: z.ZodType;
  readonly summary: string;
  /** Whether SIGHUP is enough for a new value to hold. */
  readonly live: boolean;
}

export const settings = {
  'log.level': {
    schema: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    summary: 'How much goes to /var/log/volt/daemon.log.',
    live: true,
  },
  'network.bridge': {
    schema: z
      .string()
      .regex(/^[a-z][a-z0-9]{0,14}$/, 'Not an interface name')
      .default('volt0'),
    summary: 'The bridge that containers are put on.',
    live: false,
  },
  'network.subnet': {
    schema: z.cidrv4().default('10.0.0.0/24'),
    summary: 'Addresses for containers; the bridge has the first. In a cluster, the cluster decides.',
    live: false,
  },
  'agent.port': {
    schema: z.int().min(1).max(65_535).default(7443),
    summary: 'TLS port of the agent, open once the node is in a cluster.',
    live: false,
  },
  'store.lowers': {
    schema: z.enum(['auto', 'redirect', 'hardlink', 'copy']).default('auto'),
    summary: 'How images are laid out for containers. auto is the best way that this machine has.',
    live: false,
  },
  'certificates.seconds': {
    // Keys that were revoked are remembered for a year; nothing may outlive that.
    schema: z.int().min(30).max(31_536_000).default(31_536_000),
    summary: 'How long the certificates and NATS credentials live that this node signs for others and itself.',
    live: false,
  },
  'controller.port': {
    schema: z.int().min(1).max(65_535).default(7444),
    summary: 'TLS port of the controller.',
    live: false,
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof settings;
export type Settings = { readonly [N in SettingName]: z.output<(typeof settings)[N]['schema']> };

export const CONFIG_PATH = '/etc/volt/config.yaml';

/**
 * Settings of the file, defaults for the rest; a missing file is all defaults.
 * Throws INVALID_CONFIG with file:line:column.
 */
export function loadSettings(path: string = process.env['VOLT_CONFIG'] ?? CONFIG_PATH): Settings {
  return parseSettings(readIfThere(path), path);
}

export function parseSettings(text: string, path: string): Settings {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, uniqueKeys: true });
  const at = (offset: number) => {
    const { line, col } = counter.linePos(offset);
    return `${path}:${line}:${col}`;
  };
  const [broken] = document.errors;
  if (broken !== undefined)
    throw invalid(`${at(broken.pos[0])}: ${broken.message.split('\n')[0]?.replace(/ at line.*$/, '')}`);

  const given = flatten((document.toJS() ?? {}) as unknown);
  for (const name of given.keys()) {
    if (!Object.hasOwn(settings, name)) throw invalid(`${path}: there is no setting '${name}'`, known());
  }
  const entries = Object.entries(settings).map(([name, { schema }]) => {
    const parsed = (schema as z.ZodType).safeParse(given.get(name));
    if (!parsed.success) throw invalid(`${path}: '${name}': ${parsed.error.issues[0]?.message ?? 'malformed'}`);
    return [name, parsed.data];
  });
  return Object.fromEntries(entries) as Settings;
}

/** Names whose new value needs a restart. */
export function needRestart(before: Settings, after: Settings): SettingName[] {
  const names = Object.keys(settings) as SettingName[];
  return names.filter((name) => !settings[name].live && before[name] !== after[name]);
}

function flatten(value: unknown, prefix = ''): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  if (typeof value !== 'object' || value === null) throw invalid('The settings are not a mapping of names to values');
  for (const [key, inner] of Object.entries(value)) {
    const name = prefix + key;
    const isGroup = typeof inner === 'object' && inner !== null && !Object.hasOwn(settings, name);
    if (isGroup) for (const [deep, leaf] of flatten(inner, `${name}.`)) flat.set(deep, leaf);
    else flat.set(name, inner);
  }
  return flat;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw new VoltError('INVALID_CONFIG', `'${path}' cannot be read`, { cause });
  }
}

const invalid = (message: string, hint?: string) => new VoltError('INVALID_CONFIG', message, { hint });
const known = () => `settings: ${Object.keys(settings).join(', ')}`;
