/**
 * `volt cp`: files of this machine, of containers, or an archive on standard
 * input or output. Where a copy lands is decided here, as cp does it; archives
 * are what travels, and tar is who reads and writes them on this machine.
 */
import { basename, posix } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { ContainerName } from '@volt/shared/model';
import { agentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { archiveOf, localKind, localTarget, unpackInto } from './local-files.ts';
import { channel, destinationInside, placeOf, showing, type Side } from './copying.ts';
import { frames } from './image-import.ts';

const row = agentMethods['container.pack'];

export const containerCp = command({
  path: 'container cp',
  alias: 'cp',
  summary: 'Copy files into a container, or out of it.',
  params: () =>
    z.object({
      source: z.string().describe('NAME:PATH, a path of this machine, or - for a tar archive on standard input.'),
      target: z.string().describe('NAME:PATH, a path of this machine, or - for a tar archive on standard output.'),
      followLink: row.params.shape.follow.describe('Go after a link that SOURCE is.'),
      archive: row.params.shape.keepOwner.describe('Keep owners, by number, and attributes.'),
    }),
  positional: ['source', 'target'],
  short: { L: 'followLink', a: 'archive' },
  examples: [
    'cp web:/etc/nginx ./nginx',
    'cp ./site/. web:/srv/www',
    'cp web:/var/lib/app - > app.tar',
    'container cp -a db:/backup other:/restore',
  ],
  errors: ['NOT_FOUND', 'CONFLICT', 'PERMISSION', 'RESOURCE', 'INVALID_CONFIG', 'DEPENDENCY'],

  async run({ source, target, followLink, archive }, session) {
    const [from, to] = [sideOf(source), sideOf(target)];
    const how = { follow: followLink, keepOwner: archive };
    if (from.name === undefined && to.name === undefined) {
      throw new VoltError('USAGE', 'One of both must be in a container', { hint: 'volt cp NAME:/path ./here' });
    }
    if (from.name !== undefined && to.name !== undefined) await between(session, { from, to, how });
    else if (from.name !== undefined) await outOf(session, { from, to: to.path, how });
    else await into(session, { from: from.path, to, how });
    return 0;
  },
});

interface How {
  readonly follow: boolean;
  readonly keepOwner: boolean;
}

/** `./a:b` and `/a:b` are paths of this machine; anything else before a colon is a container. */
function sideOf(text: string): Side {
  const at = text.indexOf(':');
  if (text === '-' || at === -1 || /^[./]/.test(text)) return { name: undefined, path: text };
  const name = ContainerName.safeParse(text.slice(0, at));
  if (!name.success) {
    throw new VoltError('USAGE', `'${text.slice(0, at)}' is not the name of a container`, {
      hint: `./${text} is a file of that name`,
    });
  }
  const path = text.slice(at + 1);
  // Relative to its root, as elsewhere.
  return { name: name.data, path: path.startsWith('/') ? path : `/${path}` };
}

/** What is copied is what is in the folder, and not the folder. */
const meansContents = (path: string): boolean => path === '/' || path.endsWith('/.');

/** The name under which a path arrives in a folder. */
const nameOf = (path: string): string => posix.basename(posix.resolve('/', path)) || 'root';

async function outOf(session: Session, { from, to, how }: { from: Side; to: string; how: How }) {
  const { signal } = session;
  const { agent, name, found } = await placeOf(from, session, how.follow);
  const request = { name, path: from.path };
  if (found === null) throw noSuchFile(from);
  const onTerminal = to === '-' && session.terminal.stdout.isTerminal;
  if (onTerminal)
    throw new VoltError('USAGE', 'An archive is nothing for a terminal', { hint: 'volt cp NAME:PATH ./here' });
  const isFolder = found.type === 'dir';
  const place = to === '-' ? undefined : await localTarget(to, { isFolder, name: nameOf(from.path) });
  const as = place === undefined ? nameOf(from.path) : meansContents(from.path) && place.isThere ? '.' : place.as;
  const sink = place === undefined ? toStdout(session) : await unpackInto(place.folder, how.keepOwner);
  const progress = showing(session, `Copying ${from.name}:${from.path}`);
  try {
    const onEvent = async ({ data }: { data: string }) => {
      const bytes = Buffer.from(data, 'base64');
      await sink.write(bytes);
      await progress.add(bytes.length);
    };
    await agent.stream('container.pack', { ...request, ...how, as }, { signal, onEvent });
    await sink.end();
  } catch (thrown) {
    // What tar says of a full disk is better than that nobody listens any more.
    await sink.abort();
    throw thrown;
  } finally {
    await progress.end();
  }
}

async function into(session: Session, { from, to, how }: { from: string; to: Side; how: How }) {
  const { signal } = session;
  const isStream = from === '-';
  if (isStream && session.terminal.stdin.isTerminal) {
    throw new VoltError('USAGE', 'There is nothing on standard input', { hint: 'tar -c . | volt cp - NAME:/folder' });
  }
  const kind = isStream ? undefined : await localKind(from, how.follow);
  const wanted = { isFolder: kind === 'dir', name: basename(kind === undefined ? '' : absolute(from)), isStream };
  const isContents = isStream || (kind === 'dir' && meansContents(from));
  const there = await placeOf(to, session, true);
  const place = await destinationInside(there, session, { to, wanted, isContents });
  const archive = isStream
    ? { archive: session.terminal.stdin.stream() as AsyncIterable<Buffer>, destroy: () => {} }
    : await archiveOf(from, { follow: how.follow, isContents: isContents && place.as === undefined });
  const progress = showing(session, `Copying to ${to.name}:${to.path}`);
  try {
    const request = { name: there.name, ...place, keepOwner: how.keepOwner };
    const counted = progress.through(archive.archive);
    await there.agent.stream('container.unpack', request, { signal, onEvent: () => {}, input: frames(counted) });
  } finally {
    await progress.end();
    archive.destroy();
  }
}

const absolute = (path: string): string => posix.resolve(process.cwd(), path);

/** From one container to another, through here: they may be on machines that do not know of each other's. */
async function between(session: Session, { from, to, how }: { from: Side; to: Side; how: How }) {
  const { signal } = session;
  const { agent, name, found } = await placeOf(from, session, how.follow);
  const request = { name, path: from.path };
  if (found === null) throw noSuchFile(from);
  const isFolder = found.type === 'dir';
  const wanted = { isFolder, name: nameOf(from.path), isStream: false };
  const isContents = isFolder && meansContents(from.path);
  const there = await placeOf(to, session, true);
  const place = await destinationInside(there, session, { to, wanted, isContents });
  const as = isContents && place.as === undefined ? '.' : nameOf(from.path);
  const progress = showing(session, `Copying ${from.name}:${from.path} to ${to.name}:${to.path}`);
  const { write, end, fail, chunks } = channel();
  const reading = agent
    .stream(
      'container.pack',
      { ...request, ...how, as },
      { signal, onEvent: ({ data }) => write(Buffer.from(data, 'base64')) },
    )
    .then(end, fail);
  try {
    const input = frames(progress.through(chunks()));
    const unpacked = { name: there.name, ...place, keepOwner: how.keepOwner };
    await there.agent.stream('container.unpack', unpacked, { signal, onEvent: () => {}, input });
    await reading;
  } finally {
    await progress.end();
  }
}

const noSuchFile = ({ name, path }: Side): VoltError =>
  new VoltError('NOT_FOUND', `There is no '${path}' in '${name}'`, {
    hint: `volt exec ${name} -- ls -la ${posix.dirname(path)}`,
  });

const toStdout = ({ terminal }: Session) => ({
  write: (bytes: Buffer) => terminal.stdout.write(bytes),
  end: async () => {},
  abort: async () => {},
});
