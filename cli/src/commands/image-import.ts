import { createReadStream, readdirSync, statSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import { ImageOverrides } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Terminal } from '../terminal/index.ts';
import { type FolderArchive, folderArchive } from './folder-archive.ts';

const row = agentMethods['image.import'];

/** In base64 well below what one line of a stream may hold. */
const CHUNK_BYTES = 192 * 1024;

export const imageImport = command({
  path: 'image import',
  summary: row.summary,
  params: () => {
    const { name, format, ref, platform } = row.params.shape;
    const { entrypoint, cmd, env, workdir, user, exposedPorts, stopSignal, volumes } = ImageOverrides.shape;
    return z.object({
      name,
      source: z.string().default('-').describe('A tar archive, plain, gzip or zstd, or a folder; - is standard input.'),
      format,
      ref,
      platform,
      entrypoint: entrypoint.describe('Program that its containers run when they name none.'),
      cmd: cmd.describe('Its arguments, after those that the program has.'),
      env: env.describe('Environment variables.'),
      workdir: workdir.describe('Folder that programs start in.'),
      user: user.describe('User that programs run as; root when empty.'),
      exposedPorts: exposedPorts.describe('Ports it serves, such as 80/tcp.'),
      stopSignal: stopSignal.describe('Signal that asks it to stop.'),
      volumes: volumes.describe('Paths that each container gets a volume of its own at.'),
    });
  },
  positional: ['name', 'source'],
  short: { e: 'env' },
  examples: [
    'image import base rootfs.tar.zst',
    'image import web web-oci.tar --platform linux/arm64',
    'docker save web:1 | volt image import web:1',
    'image import tools ./rootfs --entrypoint /sbin/init',
  ],
  errors: ['NOT_FOUND', 'DEPENDENCY', 'RESOURCE', 'INVALID_CONFIG'],

  async run({ source }, session, given) {
    const { name, source: _source, format, ref, platform, ...config } = given;
    const { archive, destroy } = await openSource(source, session.terminal, 'volt image import NAME SOURCE');
    const agent = await session.agent('image import');
    const progress = session.progress();
    try {
      const result = await agent.stream(
        'image.import',
        { name, format, ref, platform, config },
        { signal: session.signal, onEvent: (event) => progress.show(event), input: frames(archive) },
      );
      await progress.end();
      await session.print(result, { columns: ['name', 'digest', 'sizeBytes', 'files', 'createdAt'] });
      return 0;
    } finally {
      await progress.end();
      destroy();
    }
  },
});

export async function openSource(source: string, terminal: Terminal, hint: string): Promise<FolderArchive> {
  if (source !== '-' && statSync(source, { throwIfNoEntry: false })?.isDirectory() === true) {
    return folderArchive(source);
  }
  const archive = await openInput(source, terminal, hint);
  return { archive, destroy: () => void archive.destroy() };
}

/** Resolves once the file is known to be readable: nothing is sent for one that is not. */
export async function openInput(file: string, { stdin }: Terminal, hint: string) {
  if (file === '-') {
    if (!stdin.isTerminal) return stdin.stream();
    throw new VoltError('USAGE', 'There is nothing on standard input', { hint });
  }
  const stream = createReadStream(file, { highWaterMark: CHUNK_BYTES });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  stream.once('open', () => resolve()).once('error', reject);
  try {
    await promise;
  } catch (cause) {
    throw cannotRead(file, cause);
  }
  return stream;
}

export function cannotRead(file: string, cause: unknown): VoltError {
  const { code } = cause as NodeJS.ErrnoException;
  if (code === 'ENOENT')
    return new VoltError('NOT_FOUND', `There is no file '${file}'`, { cause, hint: nearbyFile(file) });
  if (code === 'EACCES') return new VoltError('PERMISSION', `'${file}' may not be read`, { cause });
  return new VoltError('USAGE', `'${file}' cannot be read: ${code}`, { cause });
}

function nearbyFile(file: string): string {
  let beside: string[] = [];
  try {
    beside = readdirSync(dirname(file));
  } catch {
    // A folder that is absent, or not for us, has nothing to suggest.
  }
  return didYouMean(basename(file), beside) ?? 'give a file that is there, or - for standard input';
}

export async function* frames(archive: AsyncIterable<Buffer>) {
  for await (const chunk of archive) {
    for (let from = 0; from < chunk.length; from += CHUNK_BYTES) {
      yield { kind: 'data' as const, data: chunk.subarray(from, from + CHUNK_BYTES).toString('base64') };
    }
  }
  yield { kind: 'eof' as const };
}
