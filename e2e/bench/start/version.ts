/** How long the command takes to begin, beside a Node that does nothing. On this machine; no node is needed. */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { DEFAULT_BINARY } from '../../lab/index.ts';
import type { Contender } from '../bench.ts';

export const volt: Contender = {
  name: 'volt --version',
  role: 'ours',
  sample: async () => timed([DEFAULT_BINARY, '--version']),
};

export const node: Contender = {
  name: 'node -e 0',
  role: 'peer',
  sample: async () => timed([process.execPath, '-e', '0']),
};

/** An empty program packed as ours is: what the packing costs. */
export async function emptyBinary(stack: AsyncDisposableStack): Promise<Contender> {
  const folder = await mkdtemp(join(tmpdir(), 'volt-bench-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const output = join(folder, 'empty');
  await writeFile(join(folder, 'empty.cjs'), '');
  const settings = { main: 'empty.cjs', output, useCodeCache: true, disableExperimentalSEAWarning: true };
  await writeFile(join(folder, 'sea.json'), JSON.stringify(settings));
  execFileSync(process.execPath, ['--build-sea', 'sea.json'], { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] });
  return { name: 'empty single binary', role: 'reference', sample: async () => timed([output]) };
}

function timed([program = '', ...args]: readonly string[]): number {
  const startedMs = performance.now();
  const { status } = spawnSync(program, args, { stdio: 'ignore' });
  if (status !== 0) throw new VoltError('DEPENDENCY', `${program} ended with ${status}`);
  return performance.now() - startedMs;
}
