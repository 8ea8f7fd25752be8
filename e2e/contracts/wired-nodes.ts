/**
 * Nodes as far as images are concerned: a store, the agent's TLS door, and a
 * line to each other node that counts what comes through it and can be cut.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openApi, type Api } from '@volt/agent/api';
import { kernelSpecialFiles, NodePrograms } from '@volt/agent/host';
import { Images } from '@volt/agent/images';
import { Peers } from '@volt/agent/peers';
import { type ObjectSource, openStore, serveObjects, type Store } from '@volt/agent/store';
import { noHandlers } from '@volt/shared/client/testing';
import { RevokedKeys } from '@volt/shared/pki';
import { loopbackAddresses, testAuthority } from '@volt/shared/pki/testing';
import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import { AuditTrail, PendingCalls, type Caller } from '@volt/shared/server';

const PORT = 7443;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
export const { signal } = new AbortController();

/** From one node to another. */
export interface Line {
  /** What came to the one who asked, packed and encrypted. */
  readonly bytes: () => number;
  /** After so many further bytes the line is cut, and whoever tries again is let through. */
  cutAfter(bytes: number): void;
  /** From here on nobody gets through. */
  close(): void;
}

export interface WiredNode {
  readonly name: string;
  readonly folder: string;
  readonly store: Store;
  readonly images: Images;
  readonly sources: () => Promise<ObjectSource[]>;
  /** The digests that this node was asked for and gave. */
  readonly given: string[];
  readonly lines: ReadonlyMap<string, Line>;
}

export interface Wiring {
  readonly nodes: readonly WiredNode[];
  close(): Promise<void>;
}

export async function wireNodes(count: number): Promise<Wiring> {
  const root = mkdtempSync(join(tmpdir(), 'volt-wired-'));
  const addresses = loopbackAddresses(count + count * count);
  const authority = testAuthority();
  const closers: (() => unknown)[] = [() => rmSync(root, { recursive: true, force: true })];
  const identities = Array.from({ length: count }, (_, at) => authority.certify(`n${at}`, ['node'], addresses));
  const nodes: WiredNode[] = [];
  for (const [at, identity] of identities.entries()) {
    const folder = join(root, `n${at}`);
    const store = await openStoreAt(folder);
    const given: string[] = [];
    const lines = new Map<string, Line>();
    const list: { name: string; address: string }[] = [];
    for (let other = 0; other < count; other++) {
      const address = addresses[count + at * count + other] ?? '';
      if (other === at) continue;
      const line = await openLine(address, addresses[other] ?? '');
      closers.push(() => line.close());
      lines.set(`n${other}`, line);
      list.push({ name: `n${other}`, address });
    }
    const api = await openDoor({ folder, address: addresses[at] ?? '', identity, store, given });
    const peers = new Peers({ identity, port: PORT, list: async () => list });
    closers.push(
      () => api.close(),
      () => peers.close(),
    );
    const sources = async (): Promise<ObjectSource[]> =>
      list.map((peer) => ({
        name: peer.name,
        fetch: (digests, stop) => peers.fetchObjects(peer, digests, stop),
        fetchRest: (digest, from, stop) => peers.fetchRest(peer, { digest, from }, stop),
      }));
    nodes.push({ name: `n${at}`, folder, store, images: imagesOf(store, folder), sources, given, lines });
  }
  return {
    nodes,
    close: async () => {
      for (const close of closers.toReversed()) await close();
    },
  };
}

export function openStoreAt(folder: string): Promise<Store> {
  const options = { programs: new NodePrograms(), specials: kernelSpecialFiles, lowers: 'hardlink' } as const;
  return openStore({ root: join(folder, 'cas'), images: join(folder, 'images'), ...options });
}

export const imagesOf = (store: Store, folder: string): Images =>
  new Images({
    store,
    programs: new NodePrograms(),
    scratch: join(folder, 'cas/tmp'),
    usersOf: async () => [],
    now: () => new Date(),
  });

interface Door {
  readonly folder: string;
  readonly address: string;
  readonly identity: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly store: Store;
  readonly given: string[];
}

function openDoor({ folder, address, identity, store, given }: Door): Promise<Api> {
  const serve = (digests: readonly string[], from: number) => {
    given.push(...digests.filter((digest) => store.objects.has(digest)));
    return serveObjects(store.objects, digests, from);
  };
  return openApi({
    handlers: noHandlers<Handlers<AgentMethods, Caller>>([]),
    audit: new AuditTrail(join(folder, 'audit.log')),
    pending: new PendingCalls(),
    log: quiet,
    socket: { path: join(folder, 'volt.sock'), handedOver: undefined },
    cluster: { identity, revoked: new RevokedKeys(), address, port: PORT, controllers: [], serveObjects: serve },
  });
}

/** Passes bytes on. */
async function openLine(from: string, to: string): Promise<Line> {
  let [bytes, left] = [0, Infinity];
  let isClosed = false;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = createConnection({ host: to, port: PORT });
    const end = () => [near, far].forEach((socket) => void (socket.destroy(), sockets.delete(socket)));
    for (const socket of [near, far]) sockets.add(socket.on('error', end).on('close', end));
    if (isClosed) return end();
    near.pipe(far);
    far.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
      left -= chunk.byteLength;
      if (left <= 0) {
        left = Infinity;
        for (const socket of sockets) socket.destroy();
        return;
      }
      if (!near.write(chunk)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
    });
  });
  server.listen(PORT, from);
  await once(server, 'listening');
  return {
    bytes: () => bytes,
    cutAfter: (more) => {
      left = more;
    },
    close: () => {
      isClosed = true;
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
