/** Words and names that do not belong here, each with what to write instead. */
import { basename } from 'node:path';
import type { Failure, Source } from './source.ts';

interface Banned {
  readonly pattern: RegExp;
  readonly rule: string;
  readonly fix: string;
}

const inText: readonly Banned[] = [
  { pattern: /\bFIXME\b/, rule: 'FIXME', fix: 'fix it, or write TODO(#n) with an issue' },
  { pattern: /\bTODO\b(?!\(#\d+\))/, rule: 'TODO without an issue', fix: 'write TODO(#n), or do it' },
  { pattern: /\bas any\b/, rule: 'as any', fix: 'use unknown and narrow it' },
  { pattern: /@ts-(ignore|expect-error|nocheck)\b/, rule: 'a silenced compiler', fix: 'fix the type' },
  { pattern: /\.skip\(/, rule: 'a skipped test', fix: 'fix it or remove it; runIf() for what this machine lacks' },
  { pattern: /\.only\(/, rule: 'a focused test', fix: 'remove .only' },
  { pattern: /^<{7} |^>{7} /, rule: 'a merge conflict', fix: 'resolve it' },
];

const inNames: readonly Banned[] = [
  { pattern: /utils?\b/i, rule: 'utils', fix: 'name what it does; shared/lib for what a standard library could have' },
  { pattern: /helpers?\b/i, rule: 'helper', fix: 'name what it does' },
  { pattern: /^common|common$/i, rule: 'common', fix: 'name what they have in common' },
  { pattern: /^misc|misc$/i, rule: 'misc', fix: 'if it has no name, it has no job' },
  { pattern: /manager\b/i, rule: 'manager', fix: 'name the job: planner, driver, ledger, …' },
  { pattern: /Impl$/, rule: 'Impl', fix: 'say how: NspawnDriver, FakeDriver' },
  { pattern: /^I[A-Z][a-z]/, rule: 'I prefix', fix: 'the interface gets the plain name' },
];

const FILES = new Set(['types.ts', 'base.ts', 'constants.ts', 'interfaces.ts']);

/** The rules must name what they ban. */
const isAboutWords = (path: string): boolean => path.startsWith('scripts/tidy/');

export function checkWords(source: Source): Failure[] {
  if (isAboutWords(source.path)) return [];
  const failures = checkText(source.path, source.text);
  for (const { name, line } of source.names) failures.push(...checkName(source.path, name, line));
  return failures;
}

export function checkText(file: string, text: string): Failure[] {
  return text
    .split('\n')
    .flatMap((line, index) =>
      inText.filter(({ pattern }) => pattern.test(line)).map(({ rule, fix }) => ({ file, line: index + 1, rule, fix })),
    );
}

/** Also folder and file names. */
export function checkPath(file: string): Failure[] {
  if (FILES.has(basename(file))) {
    return [{ file, line: 1, rule: `a file named ${basename(file)}`, fix: 'declare each thing beside its noun' }];
  }
  const parts = file.replace(/\.[a-z.]+$/, '').split('/');
  return parts.flatMap((part) => checkName(file, part, 1));
}

function checkName(file: string, name: string, line: number): Failure[] {
  return inNames
    .filter(({ pattern }) => pattern.test(name))
    .map(({ rule, fix }) => ({ file, line, rule: `the name '${name}' (${rule})`, fix }));
}
