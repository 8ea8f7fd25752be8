/** What both directions of `volt cp` share. */
import { posix } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { FileLook } from '@volt/shared/rpc';
import type { Session } from '../session/index.ts';
import { asksOneAgent, findElsewhere, findInCluster, onlyOne, type Place } from './locate.ts';

export interface Side {
  /** Undefined for this machine. */
  readonly name: string | undefined;
  readonly path: string;
}

/** A container, wherever it is, and what is at the path there. */
interface There extends Place {
  readonly found: FileLook | null;
}

export async function placeOf(side: Side, session: Session, follow: boolean): Promise<There> {
  const name = side.name!;
  const look = async (place: Place): Promise<There> => {
    const request = { name: place.name, path: side.path, follow };
    return { ...place, found: await place.agent.call('container.look', request, { signal: session.signal }) };
  };
  if (!(await asksOneAgent(session))) return look(onlyOne(await findInCluster(name, session), name));
  try {
    return await look({ name, agent: await session.agent('container cp') });
  } catch (thrown) {
    // Of the container: a file that is not there is no error.
    if (!(thrown instanceof VoltError) || thrown.code !== 'NOT_FOUND') throw thrown;
    return look(onlyOne(await findElsewhere(name, session, thrown), name));
  }
}

interface Wanted {
  readonly isFolder: boolean;
  /** Of what is copied. */
  readonly name: string;
  readonly isStream: boolean;
}

export interface Destination {
  /** A folder that is there. */
  readonly path: string;
  /** What is to be in it; without one, what the archive says. */
  readonly as?: string;
}

interface Asked {
  readonly to: Side;
  readonly wanted: Wanted;
  readonly isContents: boolean;
}

/** As cp: into a folder that is there, or under a name that is not yet. */
export async function destinationInside(there: There, { signal }: Session, asked: Asked): Promise<Destination> {
  const { to, wanted, isContents } = asked;
  const { agent, name, found } = there;
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
