/**
 * Our side of `pnpm bench store`: one operation of the store in a process of
 * its own, as its peers are. Packed as one file like volt itself. Prints one line of JSON.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Cas } from '@volt/agent/cas';
import { ingestFolder } from '@volt/agent/folders';
import { kernelSpecialFiles, kernelXattrs, NodePrograms } from '@volt/agent/host';
import { encodeTree, makeTree, openStore, type Inode, type Store } from '@volt/agent/store';

const { signal } = new AbortController();
const REF = ['bench', 'latest'] as const;

/** As in the agent. */
setFlagsFromString('--semi-space-growth-factor=1');
setFlagsFromString('--memory-saver-mode');

const operations: Record<string, (store: Store, folder: string, argument: string) => Promise<object>> = {
  ingest: async (store, folder, root) => {
    using hold = store.holds.open();
    const cache = join(folder, 'cas/cache');
    const ingested = await ingestFolder({ root, store, hold, xattrs: kernelXattrs, cache, signal });
    await store.refs.manifests.set(...REF, ingested.tree);
    return ingested;
  },
  verify: async (store) => {
    const found = await casOf(store).verify({ signal });
    if (found.damaged + found.missing > 0) throw new Error('The store is damaged');
    return found;
  },
  status: async (store) => casOf(store).status(signal),
  gc: async (store) => casOf(store).collect(false, { signal }),
  fill: async (store, _folder, count) => fill(store, Number(count)),
  root: async (store, folder) => root(store, folder),
};

const casOf = (store: Store): Cas =>
  new Cas({ store, treesInUse: async () => [], peers: async () => [], now: () => new Date() });

/** What stands between an image that is there and a root file system that a container can start in. */
async function root(store: Store, folder: string): Promise<object> {
  const tree = store.refs.manifests.get(...REF) ?? '';
  const firstMs = await timed(() => store.lowers.materialise(tree));
  const home = join(folder, 'container');
  rmSync(home, { recursive: true, force: true });
  const rootMs = await timed(async () => {
    const path = await store.lowers.materialise(tree);
    const [upper, work, merged] = ['upper', 'work', 'rootfs'].map((name) => join(home, name)) as [
      string,
      string,
      string,
    ];
    for (const made of [upper, work, merged]) mkdirSync(made, { recursive: true });
    const isRedirect = store.lowers.wayOf(tree) === 'redirect';
    const layers = isRedirect ? `metacopy=on,lowerdir=${path}::${store.objects.layout.objects}` : `lowerdir=${path}`;
    execFileSync('mount', ['-t', 'overlay', '-o', `${layers},upperdir=${upper},workdir=${work}`, 'bench', merged]);
  });
  execFileSync('umount', [join(home, 'rootfs')]);
  return { firstMs, rootMs, way: store.lowers.way };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await work();
  return performance.now() - startedMs;
}

/** Many small objects. A tree that a name reaches has half of them. */
async function fill(store: Store, count: number): Promise<object> {
  const { objects } = store.objects.layout;
  for (let shard = 0; shard < 256; shard++) {
    mkdirSync(join(objects, shard.toString(16).padStart(2, '0')), { recursive: true, mode: 0o700 });
  }
  const inodes = new Map<string, Inode>();
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
  for (let index = 0; index < count; index++) {
    const text = String(index);
    const digest = store.objects.hash.of(Buffer.from(text));
    writeFileSync(store.objects.pathOf(digest), text, { mode: 0o400 });
    const path = `${index % 1000}/${index}`;
    if (index % 2 === 0) inodes.set(path, { type: 'file', ...metadata, sizeBytes: text.length, digest });
  }
  await store.refs.manifests.set(...REF, await store.objects.put(encodeTree(makeTree(inodes))));
  execFileSync('sync');
  return { count };
}

async function main([operation = '', folder = '', argument = '']: readonly string[]): Promise<void> {
  const programs = new NodePrograms();
  const where = { root: join(folder, 'cas'), images: join(folder, 'images') };
  const store = await openStore({ ...where, programs, specials: kernelSpecialFiles });
  const result = await operations[operation]?.(store, folder, argument);
  const rssMib = process.resourceUsage().maxRSS / 1024;
  process.stdout.write(`${JSON.stringify({ ...result, rssMib })}\n`);
}

main(process.argv.slice(2)).then(
  () => process.exit(0),
  (thrown: unknown) => {
    process.stderr.write(`${thrown instanceof Error ? thrown.message : String(thrown)}\n`);
    process.exit(1);
  },
);
