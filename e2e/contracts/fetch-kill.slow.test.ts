/** An agent that is killed in the middle of a transfer goes on nearly where it was. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fetchObjects, serveObjects, type Store } from '@volt/agent/store';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openStoreAt, signal } from './wired-nodes.ts';

const MIB = 1024 * 1024;
const victim = join(import.meta.dirname, 'fetch-victim.ts');

let folder: string;
let peer: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'volt-kill-'));
  peer = await openStoreAt(join(folder, 'peer'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function have(sizes: readonly number[]): Promise<Map<string, number>> {
  const wanted = new Map<string, number>();
  await using batch = peer.objects.ingest();
  for (const size of sizes) wanted.set(await batch.putBytes(randomBytes(size)), size);
  await batch.commit();
  return wanted;
}

/** Fetches in a process of its own, and kills it when so many bytes have come and so many objects are published. */
async function killAfter(bytes: number, wanted: ReadonlyMap<string, number>, published = 0): Promise<void> {
  const args = [victim, join(folder, 'to'), join(folder, 'peer'), String(bytes), JSON.stringify([...wanted])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  await Promise.race([once(child.stdout, 'data'), exited]);
  const objects = () =>
    readdirSync(join(folder, 'to/cas/objects'), { recursive: true }).filter((path) => path.length > 64);
  await expect.poll(() => objects().length, { timeout: 20_000 }).toBeGreaterThanOrEqual(published);
  child.kill('SIGKILL');
  expect((await exited)[1]).toBe('SIGKILL');
}

/** What the next agent fetches, and how much that is. */
async function goOn(wanted: ReadonlyMap<string, number>): Promise<number> {
  const store = await openStoreAt(join(folder, 'to'));
  const missing = new Map([...wanted].filter(([digest]) => !store.objects.has(digest)));
  let bytes = 0;
  async function* counted(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      bytes += chunk.byteLength;
      yield chunk;
    }
  }
  const source = {
    name: 'peer',
    fetch: async (digests: readonly string[]) => counted(serveObjects(peer.objects, digests)),
    fetchRest: async (digest: string, from: number) => ({
      from,
      chunks: counted(serveObjects(peer.objects, [digest], from)),
    }),
  };
  await fetchObjects({ store, wanted: missing, peers: [source], signal });
  for (const digest of wanted.keys()) expect(await store.objects.verify(digest)).toBe('ok');
  expect(readdirSync(join(folder, 'to/cas/tmp'))).toEqual([]);
  expect(store.incoming.list()).toEqual(new Map());
  return bytes;
}

test('in a large object, from there', async () => {
  const wanted = await have([24 * MIB]);
  await killAfter(15 * MIB, wanted);
  expect(await goOn(wanted)).toBeLessThan(10 * MIB);
});

test('among many, from the last that were published', async () => {
  const wanted = await have(Array.from({ length: 100 }, () => MIB));
  await killAfter(90 * MIB, wanted, 64);
  expect(await goOn(wanted)).toBeLessThan(40 * MIB);
});

test('again and again, and gets there', async () => {
  const wanted = await have([30 * MIB, 2 * MIB, ...Array.from({ length: 200 }, () => 10_000)]);
  for (let run = 0; run < 3; run++) await killAfter(8 * MIB, wanted);
  expect(await goOn(wanted)).toBeLessThan(20 * MIB);
});
