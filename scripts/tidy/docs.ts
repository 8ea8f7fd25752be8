/** Documents must not speak of what is gone: functions in backticks exist, and links lead somewhere. */
import { posix } from 'node:path';
import type { Failure } from './source.ts';

/** Where a function may be named: pages that describe the code, not the world. */
const ABOUT_CODE = new Set(['docs/ARCHITECTURE.md', 'docs/GLOSSARY.md', 'CONTRIBUTING.md', 'docs/CONTRIBUTING.md']);

export interface Page {
  readonly path: string;
  readonly text: string;
}

/** `code` is the text of every source file; `exists` answers for a path from the top. */
export function checkPage(page: Page, code: string, exists: (path: string) => boolean): Failure[] {
  return page.text.split('\n').flatMap((text, index) => [
    ...functionsIn(page, text)
      .filter((name) => !new RegExp(`\\b${name}\\b\\s*[(<=:]`).test(code))
      .map((name) => ({
        file: page.path,
        line: index + 1,
        rule: `\`${name}()\` does not exist`,
        fix: 'name the function that does it, or drop the sentence',
      })),
    ...linksIn(text)
      .map((link) => posix.join(posix.dirname(page.path), link))
      .filter((target) => !exists(target))
      .map((target) => ({
        file: page.path,
        line: index + 1,
        rule: `a link to ${target}, which is not there`,
        fix: 'mend the link',
      })),
  ]);
}

function functionsIn(page: Page, line: string): string[] {
  if (!ABOUT_CODE.has(page.path)) return [];
  return [...line.matchAll(/`(?:\w+\.)*(\w+)\([^`]*\)`/g)].map((match) => match[1] ?? '');
}

function linksIn(line: string): string[] {
  const targets = [...line.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1]?.split('#')[0] ?? '');
  return targets.filter((target) => target !== '' && !/^[a-z]+:/.test(target));
}
