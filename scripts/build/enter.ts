/**
 * Compiles agent/enter, the one part of Volt that is not TypeScript: static
 * programs without libraries, so that gcc is all that it takes.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { prepareHost } from '../../e2e/lab/index.ts';

const packages = ['gcc', 'linux-libc-dev'];

/** With nothing in it that depends on the folder or the time: the same compiler makes the same bytes. */
const flags = [
  '-std=gnu11',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Os',
  '-static',
  '-nostdlib',
  '-ffreestanding',
  '-fno-stack-protector',
  '-fno-pie',
  '-no-pie',
  '-fno-asynchronous-unwind-tables',
  '-fno-ident',
  '-Wl,--build-id=none',
  '-Wl,-z,noexecstack',
  '-s',
];

/** `enter` becomes a container's program, `console` stands between that and those who look at it. */
export const buildEnter = (top: string, cache: string): Promise<string> => buildProgram('enter', top, cache);
export const buildConsole = (top: string, cache: string): Promise<string> => buildProgram('console', top, cache);

/** Path of the program. Kept under a name that follows from its source, so an unchanged one is never compiled again. */
async function buildProgram(name: string, top: string, cache: string): Promise<string> {
  const folder = join(top, 'agent/enter');
  const hash = createHash('sha256').update(JSON.stringify([process.arch, flags]));
  for (const file of globSync('*.{c,h}', { cwd: folder }).toSorted()) {
    hash.update(`\0${file}\0`).update(readFileSync(join(folder, file)));
  }
  const output = join(cache, `${name}-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(output)) return output;
  mkdirSync(cache, { recursive: true });
  try {
    compile({ folder, name, output }, 'ignore');
  } catch {
    await prepareHost(console.error, packages);
    compile({ folder, name, output }, 'inherit');
  }
  return output;
}

interface Program {
  readonly folder: string;
  readonly name: string;
  readonly output: string;
}

function compile({ folder, name, output }: Program, complaints: 'ignore' | 'inherit'): void {
  const unfinished = `${output}.${process.pid}.tmp`;
  execFileSync('gcc', [...flags, '-o', unfinished, `${name}.c`], {
    cwd: folder,
    stdio: ['ignore', 'ignore', complaints],
  });
  renameSync(unfinished, output);
}
