import { readFile } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import type { WorkloadSpecInput } from '@volt/shared/model';
import { controllerMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import type { Terminal } from '../terminal/index.ts';
import { cannotRead } from './image-import.ts';
import { fromRegistry, isRemote, PullPolicy } from './pulling.ts';

const FILES_MAX = 100;

/** As many as the method takes. */
const WORKLOADS_MAX = 100;

export const deployApply = command({
  path: 'deploy apply',
  summary: controllerMethods['deploy.apply'].summary,
  params: () =>
    z.object({
      file: z.array(z.string()).min(1).max(FILES_MAX).describe('YAML or JSON; - is standard input. May be repeated.'),
      pull: PullPolicy.default('missing').describe('When images of registries are fetched.'),
    }),
  short: { f: 'file' },
  examples: ['deploy apply -f web.yaml', 'deploy apply -f web.yaml -f db.yaml', 'deploy apply -f - < all.yaml'],
  errors: ['NOT_FOUND', 'CONFLICT', 'DEPENDENCY', 'RESOURCE', 'INVALID_CONFIG', 'NETWORK'],

  async run({ file: files, pull }, session) {
    // Everything is read and checked before anything is sent.
    const described = await readAll(files, session.terminal);
    const client = await session.controller('deploy apply');
    const workloads = await withImages(described, pull, session);
    const rows = await client.call('deploy.apply', { workloads }, { signal: session.signal });
    await session.print(rows, { columns: ['name', 'image', 'replicas', 'running', 'state', 'reason'] }, 'workloads');
    return 0;
  },
});

/**
 * Images of registries are fetched by one node that may run them, from where the others get them; a workload then
 * has the name that the image has there.
 */
async function withImages(
  workloads: readonly WorkloadSpecInput[],
  pull: PullPolicy,
  session: Session,
): Promise<WorkloadSpecInput[]> {
  const names = new Map<string, string>();
  for (const { image, nodes: wanted = [] } of workloads.filter((workload) => isRemote(workload.image))) {
    if (names.has(image)) continue;
    const agent = await session.agentOf(await someNode(wanted, session));
    names.set(image, await fromRegistry(image, pull, agent, session));
  }
  return workloads.map((workload) => ({ ...workload, image: names.get(workload.image) ?? workload.image }));
}

async function someNode(wanted: readonly string[], session: Session): Promise<string> {
  const cluster = await session.cluster();
  const nodes = await cluster.call('node.list', {}, { signal: session.signal });
  const ready = nodes.filter(({ state, name }) => state === 'ready' && (wanted.length === 0 || wanted.includes(name)));
  if (ready[0] !== undefined) return ready[0].name;
  throw new VoltError('DEPENDENCY', 'No node is ready to fetch the image', { hint: 'volt node list' });
}

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
