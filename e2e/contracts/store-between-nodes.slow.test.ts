/** Images on their way between nodes, over the agents' real doors: what comes, from whom, and how often. */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createReadStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { contentsOf, decodeTree } from '@volt/agent/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { signal, wireNodes, type WiredNode, type Wiring } from './wired-nodes.ts';

const MIB = 1024 * 1024;
const NAME = 'web:latest';

let wiring: Wiring | undefined;
let archive: string;
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-image-'));
  archive = join(folder, 'rootfs.tar');
});

afterEach(async () => {
  await wiring?.close();
  rmSync(folder, { recursive: true, force: true });
});

/** So many nodes, of which the first has an image of these files. What cannot be packed tells how often it came. */
async function nodesWithImage(count: number, files: Readonly<Record<string, Buffer>>) {
  const root = join(folder, 'root');
  mkdirSync(root);
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(root, name), bytes);
  execFileSync('tar', ['-C', root, '-cf', archive, '.']);
  wiring = await wireNodes(count);
  const [first, ...others] = wiring.nodes as [WiredNode, ...WiredNode[]];
  const { digest, sizeBytes } = await first.images.importTar({ name: NAME, source: createReadStream(archive) }, signal);
  return { first, others, digest, sizeBytes };
}

const randomFiles = (sizes: readonly number[]): Record<string, Buffer> =>
  Object.fromEntries(sizes.map((size, n) => [`file${n}`, randomBytes(size)]));

const pull = async (node: WiredNode, digest: string, stop = signal) =>
  node.images.pull({ digest, name: NAME, peers: await node.sources() }, stop);

const bytesInto = (node: WiredNode): number => [...node.lines.values()].reduce((sum, line) => sum + line.bytes(), 0);

async function expectWhole(node: WiredNode, digest: string): Promise<void> {
  const { objects } = node.store;
  const { tree } = await node.images.open(digest);
  for (const one of [digest, tree, ...contentsOf(decodeTree(objects.read(tree))).keys()]) {
    expect(await objects.verify(one)).toBe('ok');
  }
}

/** With what TLS and frames take. */
const once = (sizeBytes: number): number => sizeBytes * 1.05 + MIB / 2;

test('an image comes to each node once, however many replicas and nodes want it at once', async () => {
  const sizes = [...Array.from({ length: 200 }, () => 20_000), 3 * MIB, 12 * MIB];
  const { first, others, digest, sizeBytes } = await nodesWithImage(4, randomFiles(sizes));
  await Promise.all(others.flatMap((node) => [pull(node, digest), pull(node, digest), pull(node, digest)]));
  for (const node of others) {
    await expectWhole(node, digest);
    expect(bytesInto(node)).toBeGreaterThan(sizeBytes);
    expect(bytesInto(node)).toBeLessThan(once(sizeBytes));
  }
  expect(bytesInto(first)).toBe(0);
  // Each of the three got each of the objects, and nobody got one twice.
  const given = [first, ...others].flatMap((node) => node.given);
  expect(given).toHaveLength(3 * new Set(given).size);
});

test('nodes that have it serve those that come later, all at once', async () => {
  const sizes = Array.from({ length: 24 }, () => 2 * MIB);
  const { first, others, digest, sizeBytes } = await nodesWithImage(4, randomFiles(sizes));
  const [second, third, late] = others as [WiredNode, WiredNode, WiredNode];
  await Promise.all([pull(second, digest), pull(third, digest)]);
  late.lines.get(first.name)?.close();
  for (const node of [second, third]) node.given.length = 0;
  await pull(late, digest);
  await expectWhole(late, digest);
  expect(bytesInto(late)).toBeLessThan(once(sizeBytes));
  for (const node of [second, third]) expect(late.lines.get(node.name)?.bytes()).toBeGreaterThan(sizeBytes / 10);
});

test('an image that shares files with one that is there costs the others only', async () => {
  const files = randomFiles(Array.from({ length: 100 }, () => 50_000));
  const { first, others, digest } = await nodesWithImage(2, files);
  const [second] = others as [WiredNode];
  await pull(second, digest);
  const before = bytesInto(second);
  writeFileSync(join(folder, 'root', 'more'), randomBytes(30_000));
  execFileSync('tar', ['-C', join(folder, 'root'), '-cf', archive, '.']);
  const next = await first.images.importTar({ name: 'web:2', source: createReadStream(archive) }, signal);
  await pull(second, next.digest);
  await expectWhole(second, next.digest);
  expect(bytesInto(second) - before).toBeLessThan(100_000);
});

test('a line that is cut in a large file costs what was on its way', async () => {
  const { first, others, digest, sizeBytes } = await nodesWithImage(2, randomFiles([40 * MIB, 100]));
  const [second] = others as [WiredNode];
  second.lines.get(first.name)?.cutAfter(25 * MIB);
  await pull(second, digest);
  await expectWhole(second, digest);
  expect(bytesInto(second)).toBeLessThan(once(sizeBytes) + 2 * MIB);
});

test('a node that dies in a large file is taken over from where it was', async () => {
  const { first, others, digest, sizeBytes } = await nodesWithImage(3, randomFiles([40 * MIB, 100]));
  const [second, third] = others as [WiredNode, WiredNode];
  await pull(second, digest);
  const [fromFirst, fromSecond] = [third.lines.get(first.name)!, third.lines.get(second.name)!];
  // Whoever is asked first dies, and the other one takes over.
  for (const line of [fromFirst, fromSecond]) line.cutAfter(15 * MIB);
  await pull(third, digest);
  await expectWhole(third, digest);
  expect(bytesInto(third)).toBeLessThan(once(sizeBytes) + 4 * MIB);
});

test('contents that are damaged on one node are had from another', async () => {
  const { first, others, digest } = await nodesWithImage(3, randomFiles([3 * MIB, 100, 50_000]));
  const [second, third] = others as [WiredNode, WiredNode];
  await pull(second, digest);
  const { tree } = await first.images.open(digest);
  for (const [one, size] of contentsOf(decodeTree(first.store.objects.read(tree)))) {
    const path = first.store.objects.pathOf(one);
    rmSync(path);
    writeFileSync(path, Buffer.alloc(size, 'damaged'));
  }
  await pull(third, digest);
  await expectWhole(third, digest);
});

test('text comes packed', async () => {
  const text = Buffer.alloc(60 * MIB, 'a line of text that is found again in the next one\n');
  const { others, digest, sizeBytes } = await nodesWithImage(2, { text });
  const [second] = others as [WiredNode];
  await pull(second, digest);
  await expectWhole(second, digest);
  expect(bytesInto(second)).toBeLessThan(sizeBytes);
});
