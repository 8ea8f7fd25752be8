/**
 * A container's environment, as files that only root reads: a unit and a
 * process's arguments can be read by anyone, and a variable may be a secret.
 *
 * nspawn reads it from its settings file, which cannot hold a line break. When
 * a value has one, all take the way through nspawn's own environment instead:
 * it does not mix the two. A few names would then mean something to nspawn
 * itself; those, which are never secrets, are arguments.
 */
import { VoltError } from '@volt/shared/errors';

type Env = Readonly<Record<string, string>>;

const ENVIRONMENT_BYTES_MAX = 1024 * 1024;

const hasLineBreak = (env: Env): boolean => Object.values(env).some((value) => /[\r\n]/.test(value));

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
  'PATH',
  'PS4',
  'RES_OPTIONS',
  'SHELLOPTS',
  'TZDIR',
]);

/** nspawn's settings file: quotes as in a shell, and a backslash is only a backslash. */
export function renderSettings(env: Env): string {
  refuseUnfit(env);
  const lines = hasLineBreak(env) ? [] : Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return `[Exec]\n${lines.map((line) => `Environment="${line.replaceAll('"', `"'"'"`)}"\n`).join('')}`;
}

/** The unit's environment file; empty when the settings file is enough. */
export function renderEnvironmentFile(env: Env): string {
  if (!hasLineBreak(env)) return '';
  return Object.entries(env)
    .filter(([name]) => !isForHostPrograms(name))
    .map(([name, value]) => `${name}="${value.replace(/[\\"$`]/g, '\\$&')}"\n`)
    .join('');
}

/** What nspawn is told on its command line; a name alone is taken from its own environment. */
export function environmentArguments(env: Env): string[] {
  if (!hasLineBreak(env)) return [];
  return Object.entries(env).map(([name, value]) => `--setenv=${isForHostPrograms(name) ? `${name}=${value}` : name}`);
}

function refuseUnfit(env: Env): void {
  const bytes = Object.entries(env).reduce((sum, [name, value]) => sum + name.length + Buffer.byteLength(value) + 2, 0);
  if (bytes > ENVIRONMENT_BYTES_MAX) {
    throw new VoltError('USAGE', `The environment is larger than ${ENVIRONMENT_BYTES_MAX} bytes`);
  }
  const zero = Object.entries(env).find(([, value]) => value.includes('\0'));
  if (zero !== undefined) throw new VoltError('USAGE', `The value of '${zero[0]}' has a zero byte`);
}
