/**
 * A container's environment, as files that only root reads: a unit and a
 * process's arguments can be read by anyone, and a variable may be a secret.
 *
 * nspawn reads most from its settings file. That file cannot hold a line
 * break, so such values take the way through nspawn's own environment, where a
 * few names would mean something to nspawn itself and are refused.
 */
import { VoltError } from '@volt/shared/errors';

type Env = Readonly<Record<string, string>>;

const ENVIRONMENT_BYTES_MAX = 1024 * 1024;

const needsLines = (value: string): boolean => /[\r\n]/.test(value);

/** Names that change what a host program does before it has become the container's. */
export const isForHostPrograms = (name: string): boolean =>
  /^(?:LD_|GLIBC_|MALLOC_|SYSTEMD_|LISTEN_|BASH_FUNC_|DBUS_|RESOLV_)/.test(name) || hostNames.has(name);

const hostNames = new Set([
  'BASHOPTS',
  'BASH_ENV',
  'ENV',
  'GCONV_PATH',
  'GETCONF_DIR',
  'HOSTALIASES',
  'IFS',
  'LOCALDOMAIN',
  'LOCPATH',
  'NIS_PATH',
  'NLSPATH',
  'NOTIFY_SOCKET',
  'PS4',
  'RES_OPTIONS',
  'SHELLOPTS',
  'TZDIR',
]);

/** nspawn's settings file: quotes as in a shell, and a backslash is only a backslash. */
export function renderSettings(env: Env): string {
  refuseTooMuch(env);
  const lines = Object.entries(env)
    .filter(([, value]) => !needsLines(value))
    .map(([name, value]) => `Environment="${`${name}=${value}`.replaceAll('"', `"'"'"`)}"`);
  return `[Exec]\n${lines.map((line) => `${line}\n`).join('')}`;
}

/** The unit's environment file, for values with line breaks. */
export function renderEnvironmentFile(env: Env): string {
  return environmentNames(env)
    .map((name) => `${name}="${env[name]!.replace(/[\\"$`]/g, '\\$&')}"\n`)
    .join('');
}

/** Those that nspawn is told to take from its own environment. */
export function environmentNames(env: Env): string[] {
  const names = Object.keys(env).filter((name) => needsLines(env[name]!));
  const refused = names.find(isForHostPrograms);
  if (refused === undefined) return names;
  throw new VoltError('USAGE', `The value of '${refused}' cannot have a line break`);
}

function refuseTooMuch(env: Env): void {
  const bytes = Object.entries(env).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0);
  if (bytes > ENVIRONMENT_BYTES_MAX) {
    throw new VoltError('USAGE', `The environment is larger than ${ENVIRONMENT_BYTES_MAX} bytes`);
  }
  const zero = Object.entries(env).find(([, value]) => value.includes('\0'));
  if (zero !== undefined) throw new VoltError('USAGE', `The value of '${zero[0]}' has a zero byte`);
}
