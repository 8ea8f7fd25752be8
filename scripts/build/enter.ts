/**
 * Compiles agent/enter, the one part of Volt that is not TypeScript: a static
 * program without libraries, so that gcc is all that it takes.
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

/** Path of the program. Kept under a name that follows from its source, so an unchanged one is never compiled again. */
export async function buildEnter(top: string, cache: string): Promise<string> {
  const folder = join(top, 'agent/enter');
  const hash = createHash('sha256').update(JSON.stringify([process.arch, flags]));
  for (const name of globSync('*.{c,h}', { cwd: folder }).toSorted()) {
    hash.update(`\0${name}\0`).update(readFileSync(join(folder, name)));
  }
  const output = join(cache, `enter-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(output)) return output;
  mkdirSync(cache, { recursive: true });
  try {
    compile(folder, output, 'ignore');
  } catch {
    await prepareHost(console.error, packages);
    compile(folder, output, 'inherit');
  }
  return output;
}

function compile(folder: string, output: string, complaints: 'ignore' | 'inherit'): void {
  const unfinished = `${output}.${process.pid}.tmp`;
  execFileSync('gcc', [...flags, '-o', unfinished, 'enter.c'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', complaints],
  });
  renameSync(unfinished, output);
}
