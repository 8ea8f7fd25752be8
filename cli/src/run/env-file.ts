/** Files of environment variables, in the format that docker reads. */
import { readFileSync, statSync } from 'node:fs';
import { VoltError } from '@volt/shared/errors';

type Env = Readonly<Record<string, string | undefined>>;

const FILE_BYTES_MAX = 1024 * 1024;

/** Variables of all files, those of later ones on top. */
export function readEnvFiles(files: readonly string[], env: Env): Record<string, string> {
  return Object.assign({}, ...files.map((file) => parseEnvFile(read(file), file, env))) as Record<string, string>;
}

function read(file: string): string {
  let text: string;
  try {
    if (statSync(file).size > FILE_BYTES_MAX) {
      throw new VoltError('USAGE', `'${file}' is larger than ${FILE_BYTES_MAX / 1024} KiB`);
    }
    text = readFileSync(file, 'utf8');
  } catch (thrown) {
    if (thrown instanceof VoltError) throw thrown;
    const { code } = thrown as NodeJS.ErrnoException;
    if (code === 'ENOENT') throw new VoltError('NOT_FOUND', `There is no file '${file}'`, { cause: thrown });
    throw new VoltError('USAGE', `'${file}' cannot be read: ${code}`, { cause: thrown });
  }
  return text;
}

/**
 * One variable a line: `KEY=VALUE`, or `KEY` alone, which hands on our own where it is set. Nothing means anything
 * within a value: no quotes, no `#`, no `$`. Throws USAGE with the number of the line.
 */
export function parseEnvFile(text: string, file: string, env: Env): Record<string, string> {
  const found: Record<string, string> = {};
  const lines = text.replace(/^\uFEFF/, '').split('\n');
  for (const [at, raw] of lines.entries()) {
    const line = raw.replace(/\r$/, '').trimStart();
    if (line === '' || line.startsWith('#')) continue;
    const [, name = '', value] = /^([^=]*)(?:=(.*))?$/s.exec(line)!;
    const wrong = (why: string) => new VoltError('USAGE', `${file}:${at + 1}: ${why}`);
    if (name === '') throw wrong('There is no name before the =');
    if (/\s/.test(name)) throw wrong(`'${name}' has a space in it: lines look like KEY=VALUE`);
    if (!/^[A-Za-z_][A-Za-z0-9_]{0,127}$/.test(name)) throw wrong(`'${name}' is no name of an environment variable`);
    if (/[\0\uFFFD]/.test(line)) throw wrong('This is no text');
    const given = value ?? env[name];
    if (given !== undefined) found[name] = given;
  }
  return found;
}
