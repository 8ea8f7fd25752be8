/**
 * `pnpm generate`: writes docs/reference from the tables. With `--check` it
 * writes nothing, names what is stale and exits 1.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { cliPage } from './generate/cli.ts';
import { errorsPage } from './generate/errors.ts';
import { openRpcText, rpcPage } from './generate/rpc.ts';

const folder = resolve(import.meta.dirname, '../docs/reference');

const pages: Readonly<Record<string, () => string>> = {
  'cli.md': cliPage,
  'rpc.md': rpcPage,
  'openrpc.json': openRpcText,
  'errors.md': errorsPage,
};

const isCheck = process.argv.includes('--check');
const stale = Object.entries(pages)
  .map(([name, make]) => ({ path: join(folder, name), name, text: make() }))
  .filter(({ path, text }) => readOrEmpty(path) !== text);

if (isCheck) {
  for (const { name } of stale) console.log(`docs/reference/${name}`);
  process.exitCode = stale.length === 0 ? 0 : 1;
} else {
  mkdirSync(folder, { recursive: true });
  for (const { path, name, text } of stale) {
    writeFileSync(path, text);
    console.log(`wrote docs/reference/${name}`);
  }
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
