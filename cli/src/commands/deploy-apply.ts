import { readFile } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import type { WorkloadSpecInput } from '@volt/shared/model';
import { controllerMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Terminal } from '../terminal/index.ts';
import { cannotRead } from './image-import.ts';

const FILES_MAX = 100;

/** As many as the method takes. */
const WORKLOADS_MAX = 100;

export const deployApply = command({
  path: 'deploy apply',
  summary: controllerMethods['deploy.apply'].summary,
  params: () =>
    z.object({
      file: z.array(z.string()).min(1).max(FILES_MAX).describe('YAML or JSON; - is standard input. May be repeated.'),
    }),
  short: { f: 'file' },
  examples: ['deploy apply -f web.yaml', 'deploy apply -f web.yaml -f db.yaml', 'deploy apply -f - < all.yaml'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY', 'RESOURCE', 'INVALID_CONFIG'],

  async run({ file: files }, session) {
    // Everything is read and checked before anything is sent.
    const workloads = await readAll(files, session.terminal);
    const client = await session.controller('deploy apply');
    const rows = await client.call('deploy.apply', { workloads }, { signal: session.signal });
    await session.print(rows, { columns: ['name', 'image', 'replicas', 'running', 'state', 'reason'] }, 'workloads');
    return 0;
  },
});

async function readAll(files: readonly string[], terminal: Terminal): Promise<WorkloadSpecInput[]> {
  const { parseManifest } = await import('@volt/shared/manifest');
  const from = new Map<string, string>();
  const all: WorkloadSpecInput[] = [];
  for (const file of files) {
    const label = file === '-' ? 'standard input' : file;
    for (const workload of parseManifest(await readText(file, terminal), label)) {
      const before = from.get(workload.name);
      if (before !== undefined) {
        throw new VoltError('INVALID_CONFIG', `'${workload.name}' is described in ${before} and in ${label}`);
      }
      from.set(workload.name, label);
      all.push(workload);
    }
  }
  if (all.length <= WORKLOADS_MAX) return all;
  throw new VoltError('INVALID_CONFIG', `${all.length} workloads at once; at most ${WORKLOADS_MAX} are taken`);
}

async function readText(file: string, { stdin }: Terminal): Promise<string> {
  if (file !== '-') return readFile(file, 'utf8').catch((cause: unknown) => Promise.reject(cannotRead(file, cause)));
  const { MANIFEST_BYTES_MAX } = await import('@volt/shared/manifest');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin.stream() as AsyncIterable<Buffer>) {
    size += chunk.length;
    chunks.push(chunk);
    // One byte more than allowed is enough for the parser to refuse it.
    if (size > MANIFEST_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}
