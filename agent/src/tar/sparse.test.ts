import { execFileSync } from 'node:child_process';
import {
  closeSync,
  ftruncateSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { ByteReader } from '../store/index.ts';
import { contentsOf, readTar } from './index.ts';
import { chunksOf, tarOf } from './testing.ts';

interface Read {
  readonly name: string;
  readonly contents: Buffer;
  readonly pieces: number | undefined;
}

async function readAll(archive: Buffer, chunk = 1000): Promise<Read[]> {
  const reader = new ByteReader(chunksOf(archive, chunk));
  const found: Read[] = [];
  for await (const entry of readTar(reader)) {
    const contents = Buffer.concat(await Array.fromAsync(contentsOf(entry, reader)));
    found.push({ name: entry.name, contents, pieces: entry.pieces?.length });
  }
  return found;
}

/** `count` pieces of data with holes between and after them. */
function sparseFile(path: string, count: number): void {
  const fd = openSync(path, 'wx');
  for (let index = 0; index < count; index++)
    writeSync(fd, Buffer.from(`piece ${index}`), 0, null, index * 1024 * 1024);
  ftruncateSync(fd, count * 1024 * 1024 + 12_345);
  closeSync(fd);
}

const ways: Record<string, string[]> = {
  'the old way': ['--format=gnu'],
  'PAX 0.0': ['--format=pax', '--sparse-version=0.0'],
  'PAX 0.1': ['--format=pax', '--sparse-version=0.1'],
  'PAX 1.0': ['--format=pax', '--sparse-version=1.0'],
};

describe.each(Object.entries(ways))('%s of GNU tar', (_, options) => {
  test.each([0, 1, 4, 5, 30, 120])('gives back a file of %i pieces, and what follows it', async (count) => {
    const folder = mkdtempSync(join(tmpdir(), 'volt-sparse-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    sparseFile(join(folder, 'sparse'), count);
    writeFileSync(join(folder, 'plain'), 'plain');
    const argv = ['--create', '--sparse', ...options, `--directory=${folder}`, 'sparse', 'plain'];
    const archive = execFileSync('tar', argv, { maxBuffer: 64 * 1024 * 1024 });
    const [sparse, plain] = await readAll(archive);
    expect(sparse).toMatchObject({ name: 'sparse' });
    expect(sparse?.pieces).toBeGreaterThanOrEqual(count);
    expect(sparse?.contents.equals(readFileSync(join(folder, 'sparse')))).toBe(true);
    expect(plain).toEqual({ name: 'plain', contents: Buffer.from('plain'), pieces: undefined });
  });
});

test('contents that nobody reads are skipped', async () => {
  const pax = { 'GNU.sparse.size': '5000', 'GNU.sparse.map': '1000,3,4000,2' };
  const reader = new ByteReader(chunksOf(tarOf({ name: 'a', contents: 'abcde', pax }, { name: 'b' })));
  const names: string[] = [];
  for await (const entry of readTar(reader)) names.push(`${entry.name} ${entry.sizeBytes}`);
  expect(names).toEqual(['a 5000', 'b 0']);
});

const paxed = (map: string, size = '5000'): Buffer =>
  tarOf({ name: 'a', contents: 'abcde', pax: { 'GNU.sparse.size': size, 'GNU.sparse.map': map } });
const listed = (contents: string): Buffer => {
  const pax = { 'GNU.sparse.major': '1', 'GNU.sparse.minor': '0', 'GNU.sparse.realsize': '5000' };
  return tarOf({ name: 'a', contents, pax });
};

test.each([
  ['pieces overlap', paxed('10,3,12,2')],
  ['pieces are not in order', paxed('10,3,0,2')],
  ['a piece lies beyond the end', paxed('0,3,4999,2')],
  ['there is less than the list says', paxed('0,3,10,3')],
  ['there is more than the list says', paxed('0,3')],
  ['a number is missing', paxed('0,3,10')],
  ['a number is none', paxed('0,x,10,2')],
  ['a number is negative', paxed('-1,5')],
  ['the size is missing', tarOf({ name: 'a', pax: { 'GNU.sparse.map': '0,0' } })],
  ['the version is unknown', tarOf({ name: 'a', pax: { 'GNU.sparse.major': '2', 'GNU.sparse.minor': '0' } })],
  ['the list in front has no end', listed('3\n0\n1\n')],
  ['the list in front is too long', listed(`${'9'.repeat(9)}\n`)],
  ['the list in front is no list', listed('hello\n1\n2\n'.padEnd(512))],
])('an archive where %s is refused', async (_, archive) => {
  await expect(readAll(archive)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
});
