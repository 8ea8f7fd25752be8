/** `pnpm tidy`: the house rules that no other tool knows. Prints each breach with its fix; exits 1 if there is one. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkArrows } from './tidy/arrows.ts';
import { checkPage } from './tidy/docs.ts';
import { checkShape } from './tidy/shape-rules.ts';
import { parseSource, type Failure } from './tidy/source.ts';
import { checkPath, checkWords } from './tidy/words.ts';

const top = resolve(import.meta.dirname, '..');
const listed = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: top, encoding: 'utf8' });
const paths = [...new Set(listed.split('\n'))].filter((path) => path !== '' && existsSync(join(top, path)));
const read = (path: string) => readFileSync(join(top, path), 'utf8');

const sources = paths.filter((path) => /\.(ts|mjs)$/.test(path)).map((path) => parseSource(path, read(path)));
const code = sources.map(({ text }) => text).join('\n');
const pages = paths.filter((path) => path.endsWith('.md')).map((path) => ({ path, text: read(path) }));

const found = [
  ...paths.flatMap(checkPath),
  ...sources.flatMap((source) => [...checkArrows(source), ...checkShape(source), ...checkWords(source)]),
  ...pages.flatMap((page) => checkPage(page, code, (path) => existsSync(join(top, path)))),
  ...checkGenerated(),
];
// A room without a row is one thing to do, not one for each of its files.
const failures = found.filter(
  ({ rule }, index) => !rule.startsWith('room ') || found.findIndex((other) => other.rule === rule) === index,
);
for (const { file, line, rule, fix } of failures) console.log(`${file}:${line}  ${rule}\n    ${fix}`);
console.log(
  failures.length === 0 ? `${paths.length} files are tidy` : `${failures.length} breaches of the house rules`,
);
process.exitCode = failures.length === 0 ? 0 : 1;

/** Committed documents that are made from the tables must be what the tables make. */
function checkGenerated(): Failure[] {
  const generator = 'scripts/generate.ts';
  if (!existsSync(join(top, generator))) return [];
  const { status, stdout, stderr } = spawnSync(process.execPath, [generator, '--check'], {
    cwd: top,
    encoding: 'utf8',
  });
  if (status === 0) return [];
  return [{ file: 'docs/reference', line: 1, rule: `stale: ${(stdout + stderr).trim()}`, fix: 'run pnpm generate' }];
}
