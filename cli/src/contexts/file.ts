import { readFileSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { ContextsFile } from './schema.ts';

type Env = Readonly<Record<string, string | undefined>>;

const FILE_BYTES_MAX = 1024 * 1024;

/** `${XDG_CONFIG_HOME:-~/.config}/volt/contexts.yaml`; a relative XDG path is to be ignored (XDG base directories). */
export function contextsPath(env: Env): string {
  const xdg = env['XDG_CONFIG_HOME'];
  const home = env['HOME'] ?? ownHome();
  return join(xdg?.startsWith('/') === true ? xdg : join(home, '.config'), 'volt', 'contexts.yaml');
}

/** A user that no account names, as services and containers have them, has the home that Debian gives to such users. */
function ownHome(): string {
  try {
    return homedir();
  } catch {
    return '/nonexistent';
  }
}

/** An absent file is one without contexts. Throws INVALID_CONFIG for one that is malformed. */
export async function readContexts(path: string): Promise<ContextsFile> {
  let text: string;
  try {
    // At once: the threads that read while one waits would have to be started first, and nothing else is to be done.
    text = readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return { contexts: {} };
    throw new VoltError('PERMISSION', `${path} cannot be read: ${code}`, { cause });
  }
  if (text.length > FILE_BYTES_MAX) throw malformed(path, 'too large');
  let value: unknown;
  try {
    // Most machines have no such file, and then need no YAML.
    value = (await import('yaml')).parse(text);
  } catch (cause) {
    throw malformed(path, (cause as Error).message.split('\n')[0]!);
  }
  const parsed = ContextsFile.safeParse(value ?? {});
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw malformed(path, `${issue.path.map(String).join('.')}: ${issue.message}`);
}

/** Written beside the old file, made durable, then put in its place. Only its owner may read it. */
export async function writeContexts(path: string, contents: ContextsFile): Promise<void> {
  const { stringify } = await import('yaml');
  await replaceFile(path, stringify(contents), 0o600);
}

/** All or nothing. Throws PERMISSION, and leaves the old file then. */
export async function replaceFile(path: string, text: string, mode: number): Promise<void> {
  const folder = dirname(path);
  const beside = `${path}.${crypto.randomUUID()}`;
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const file = await open(beside, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
    const directory = await open(folder, 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  } catch (cause) {
    await rm(beside, { force: true }).catch(() => {});
    throw new VoltError('PERMISSION', `${path} cannot be written: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}

const malformed = (path: string, why: string) =>
  new VoltError('INVALID_CONFIG', `${path}: ${why}`, { hint: 'mend or delete it' });
