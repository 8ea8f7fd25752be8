import { isAlias, isMap, isScalar, isSeq, type Document, type Node } from 'yaml';

type Range = readonly [from: number, to: number];
type Path = readonly PropertyKey[];

/** Where the value at `path` stands in the text; where its parent begins when there is none. */
export function rangeOfValue(document: Document, path: Path): Range {
  let node: Node | null = document.contents;
  let range = rangeOf(node, [0, 0]);
  for (const step of path) {
    const value = child(document, node, step);
    if (value === undefined) return [range[0], range[0]];
    range = rangeOf(value, range);
    node = value;
  }
  return range;
}

/** Where the key `key` of the map at `path` stands. */
export function rangeOfKey(document: Document, path: Path, key: string): Range {
  let node = document.contents as Node | null | undefined;
  for (const step of path) node = child(document, node ?? null, step);
  const map = resolve(document, node ?? null);
  const pair = isMap(map) ? map.items.find((item) => isScalar(item.key) && String(item.key.value) === key) : undefined;
  return pair === undefined ? rangeOfValue(document, path) : rangeOf(pair.key as Node, [0, 0]);
}

function child(document: Document, parent: Node | null, step: PropertyKey): Node | undefined {
  const node = resolve(document, parent);
  if (isSeq(node)) return (node.items[Number(step)] as Node | undefined) ?? undefined;
  if (!isMap(node)) return undefined;
  const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(step));
  // `key:` with nothing after it has a value of null, which has a place of its own.
  return pair === undefined ? undefined : ((pair.value ?? pair.key) as Node);
}

const resolve = (document: Document, node: Node | null): Node | null =>
  (isAlias(node) ? node.resolve(document) : node) ?? null;

function rangeOf(node: Node | null, fallback: Range): Range {
  return node?.range ? [node.range[0], node.range[1]] : fallback;
}
