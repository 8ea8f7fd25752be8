/** What both directions of `volt cp` share. */
import { posix } from 'node:path';
import type { Client } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import type { AgentMethods } from '@volt/shared/rpc';
import type { Session } from '../session/index.ts';

export type Agent = Client<AgentMethods>;

interface Wanted {
  readonly isFolder: boolean;
  /** Of what is copied. */
  readonly name: string;
  readonly isStream: boolean;
}

export interface Place {
  /** A folder that is there. */
  readonly path: string;
  /** What is to be in it; without one, what the archive says. */
  readonly as?: string;
}

interface Destination {
  readonly to: { readonly name: string | undefined; readonly path: string };
  readonly wanted: Wanted;
  readonly isContents: boolean;
}

/** As cp: into a folder that is there, or under a name that is not yet. */
export async function destinationInside(agent: Agent, { signal }: Session, asked: Destination): Promise<Place> {
  const { to, wanted, isContents } = asked;
  const name = to.name!;
  const found = await agent.call('container.look', { name, path: to.path, follow: true }, { signal });
  if (found?.type === 'dir') return isContents ? { path: found.path } : { path: found.path, as: wanted.name };
  const where = `'${to.path}' of '${name}'`;
  if (wanted.isStream) {
    if (found === null) throw new VoltError('NOT_FOUND', `There is no folder ${where}`);
    throw new VoltError('CONFLICT', `${where} is no folder`);
  }
  if (found !== null && wanted.isFolder) throw new VoltError('CONFLICT', `${where} is no folder`);
  if (found === null && to.path.endsWith('/') && !wanted.isFolder) {
    throw new VoltError('NOT_FOUND', `There is no folder ${where}`);
  }
  // A link to a file leads on: what is written is where it leads.
  const path = found?.path ?? posix.resolve('/', to.path);
  const folder = posix.dirname(path);
  const parent = await agent.call('container.look', { name, path: folder, follow: true }, { signal });
  if (parent?.type === 'dir') return { path: parent.path, as: posix.basename(path) };
  throw new VoltError('NOT_FOUND', `There is no folder '${folder}' in '${name}'`, {
    hint: `volt exec ${name} -- mkdir -p ${folder}`,
  });
}

const MIB = 1024 * 1024;

/** Says on a terminal how much has been copied. */
export function showing(session: Session, line: string) {
  const progress = session.terminal.stderr.isTerminal ? session.progress() : undefined;
  let sizeBytes = 0;
  let shown = 0;
  const add = async (bytes: number): Promise<void> => {
    sizeBytes += bytes;
    if (sizeBytes - shown < MIB) return;
    shown = sizeBytes;
    await progress?.show({ line: `${line}: ${Math.floor(sizeBytes / MIB)} MiB` });
  };
  async function* through(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      await add(chunk.length);
      yield chunk;
    }
  }
  return { add, through, end: async () => progress?.end() };
}

/** Hands chunks from one stream to another, one at a time. */
export function channel() {
  let ready = Promise.withResolvers<Buffer | undefined>();
  let taken = Promise.withResolvers<void>();
  async function* chunks(): AsyncGenerator<Buffer> {
    try {
      for (;;) {
        const chunk = await ready.promise;
        if (chunk === undefined) return;
        ready = Promise.withResolvers();
        const { resolve } = taken;
        taken = Promise.withResolvers();
        resolve();
        yield chunk;
      }
    } finally {
      // Nobody reads any more, so nobody must wait to be read.
      taken.resolve();
      taken = Object.assign(Promise.withResolvers<void>(), { promise: Promise.resolve() });
    }
  }
  return {
    chunks,
    write: async (chunk: Buffer) => {
      const { promise } = taken;
      ready.resolve(chunk);
      await promise;
    },
    end: () => ready.resolve(undefined),
    fail: (thrown: unknown) => {
      ready.promise.catch(() => {});
      ready.reject(thrown);
      throw thrown;
    },
  };
}
