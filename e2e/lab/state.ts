/**
 * What a lab remembers between commands. It is written before anything is
 * made, so that whatever a killed `up` leaves can be found and removed. What
 * runs is not in it: that is read from the control groups every time.
 */
import { mkdir, open, readdir, readFile, rename } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import { NODES_MAX } from './settings.ts';

export const LabState = z.strictObject({
  version: z.literal(1),
  name: z.string(),
  nodes: z.int().min(1).max(NODES_MAX),
  /** The base image its nodes stand on; kept as long as the lab exists. */
  base: z.string(),
});
export type LabState = z.output<typeof LabState>;

/** Undefined if there is no such lab. A file that cannot be understood is an error, not an absent lab. */
export async function readState(path: string): Promise<LabState | undefined> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw new VoltError('GENERAL', `Cannot read '${path}'`, { cause: error });
  });
  return text === undefined ? undefined : parseState(text, path);
}

export function parseState(text: string, path: string): LabState {
  try {
    return LabState.parse(JSON.parse(text));
  } catch (cause) {
    throw new VoltError('INVALID_CONFIG', `'${path}' is not a lab's state file`, {
      hint: 'Remove the lab with: pnpm lab down',
      cause,
    });
  }
}

export async function writeState(path: string, state: LabState): Promise<void> {
  await writeDurably(path, `${JSON.stringify(state, null, 2)}\n`);
}

/** After a crash the file has the old content or the new one, never a part. */
export async function writeDurably(path: string, content: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true });
  const partial = `${path}.${process.pid}.partial`;
  await using file = await open(partial, 'w', 0o644);
  await file.writeFile(content);
  await file.sync();
  await rename(partial, path);
  await using parent = await open(folder, 'r');
  await parent.sync();
}

/** Base images that some lab under `dir` stands on. */
export async function basesInUse(dir: string): Promise<string[]> {
  const names = await readdir(join(dir, 'labs')).catch(() => []);
  const states = await Promise.all(
    names.map((name) => readState(join(dir, 'labs', name, 'lab.json')).catch(() => undefined)),
  );
  return states.flatMap((state) => state?.base ?? []);
}
