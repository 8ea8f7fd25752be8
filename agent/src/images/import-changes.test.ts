/** An image that is made of another and of what changed is the one that all of its files would make. */
import { expect, test } from 'vitest';
import fc from 'fast-check';
import { decodeTree, type Tree } from '../store/index.ts';
import { tempStore } from '../store/testing.ts';
import { END_OF_TAR, paddingOf, tarHeader, type TarEntry, type TarType } from '../tar/index.ts';
import { importChanges, importTree } from './import-tar.ts';

const { signal } = new AbortController();

/** Paths to text; a folder's is undefined. */
type Files = ReadonlyMap<string, string | undefined>;

const plain = { mode: 0o644, uid: 0, gid: 0, mtime: '1700000000', linkName: '', major: 0, minor: 0 };

function header(type: TarType, name: string, sizeBytes = 0): Buffer {
  const entry: TarEntry = { ...plain, type, name, sizeBytes, xattrs: new Map() };
  return tarHeader(entry);
}

async function* tarOf(files: Files): AsyncGenerator<Buffer> {
  yield header('dir', './');
  for (const [path, text] of [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (text === undefined) yield header('dir', `${path}/`);
    else yield Buffer.concat([header('file', path, text.length), Buffer.from(text), paddingOf(text.length)]);
  }
  yield END_OF_TAR;
}

const names = ['a', 'b', 'c'];
const paths = names.flatMap((one) => [one, ...names.flatMap((two) => [`${one}/${two}`, `${one}/${two}/x`])]);

/** A file or a folder at each place that has a folder above it. */
const someFiles: fc.Arbitrary<Files> = fc
  .array(fc.option(fc.constantFrom('', 'one', 'two', 'folder'), { nil: undefined }), {
    minLength: paths.length,
    maxLength: paths.length,
  })
  .map((kinds) => {
    const files = new Map<string, string | undefined>();
    paths.forEach((path, index) => {
      const kind = kinds[index];
      const parent = path.slice(0, Math.max(path.lastIndexOf('/'), 0));
      const isInFolder = parent === '' || (files.has(parent) && files.get(parent) === undefined);
      if (kind !== undefined && isInFolder) files.set(path, kind === 'folder' ? undefined : kind);
    });
    return files;
  });

/** As the overlay tells it: what is not the same, the folders that it is in, and the topmost of what is gone. */
function changes(from: Files, to: Files): { changed: Files; removed: string[] } {
  const changed = new Map<string, string | undefined>();
  for (const [path, text] of to) {
    if (from.has(path) && from.get(path) === text) continue;
    for (let at = path; at !== ''; at = at.slice(0, Math.max(at.lastIndexOf('/'), 0))) changed.set(at, to.get(at));
  }
  const removed = [...from.keys()].filter((path) => !to.has(path));
  return { changed, removed };
}

test('whatever was added, changed and removed, and files in the place of folders', async () => {
  const store = await tempStore();
  const whole = async (files: Files) => {
    await using batch = store.objects.ingest();
    const { digest } = await importTree({ source: tarOf(files), batch, signal });
    await batch.commit();
    return digest;
  };
  await fc.assert(
    fc.asyncProperty(someFiles, someFiles, async (from, to) => {
      const tree: Tree = decodeTree(store.objects.read(await whole(from)));
      const { changed, removed } = changes(from, to);
      await using batch = store.objects.ingest();
      const made = await importChanges({ batch, signal }, tree, async () => ({ source: tarOf(changed), removed }));
      expect(made.digest).toBe(await whole(to));
    }),
    { numRuns: 60 },
  );
});
