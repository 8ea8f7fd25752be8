/**
 * An agent that is killed while it stores, fetches, lays out and collects:
 * whatever it was in the middle of, the next start finds every name whole.
 *
 * VOLT_KILL_RUNS says how often; more is better and takes longer.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { decodeTree } from '@volt/agent/store';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { any, casOf, makeFolder, openAt, removeFolder, signal, writeTree } from './store-work.ts';

const RUNS = Number(process.env['VOLT_KILL_RUNS'] ?? 20);
const LIFE_MS_MAX = 250;
const TIME_PER_RUN_MS = 10_000;

const folder = makeFolder();
const peerFolder = makeFolder();
const victim = join(import.meta.dirname, 'store-victim.ts');

beforeAll(async () => {
  const peer = await openAt(peerFolder);
  for (let image = 0; image < 6; image++) await writeTree(peer, `image${image}`, { files: 120, texts: 200 });
});

afterAll(() => [folder, peerFolder].forEach(removeFolder));

/** Resolves with what it had begun when it died. */
async function killOnce(): Promise<string> {
  const child = spawn(process.execPath, [victim, folder, peerFolder], { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, failed] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (failed += text));
  const begun = new Promise<void>((resolve) =>
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.startsWith('begin\n')) resolve();
    }),
  );
  const exited = once(child, 'exit');
  await Promise.race([begun, exited]);
  await Promise.race([setTimeout(any(LIFE_MS_MAX)), exited]);
  child.kill('SIGKILL');
  const [, by] = (await exited) as [number | null, string | null];
  expect(by, failed).toBe('SIGKILL');
  return said.slice('begin\n'.length);
}

async function expectSound(): Promise<void> {
  const store = await openAt(folder);
  expect(readdirSync(join(folder, 'cas/tmp'))).toEqual([]);
  const found = await casOf(store).verify({ signal });
  expect(found).toMatchObject({ damaged: 0, missing: 0, damage: [], damagedRefs: [] });
  for (const tree of store.lowers.list()) {
    // Its objects may be gone by now, but what is there is all there ever was.
    if (!store.objects.has(tree)) continue;
    const paths = decodeTree(store.objects.read(tree)).map(({ path }) => path);
    expect(readdirSync(store.lowers.pathOf(tree)).toSorted()).toEqual(paths.slice(1));
  }
}

test(
  `after each of ${RUNS} kills the store is sound and no name dangles`,
  async () => {
    const begun = new Set<string>();
    for (let run = 0; run < RUNS; run++) {
      for (const letter of await killOnce()) begun.add(letter);
      await expectSound();
    }
    expect([...begun].toSorted()).toEqual(['c', 'd', 'g', 'i', 'p']);
    const store = await openAt(folder);
    await casOf(store).collect(false, { signal });
    expect(await casOf(store).collect(true, { signal })).toMatchObject({ objects: 0, leftovers: 0, lowers: 0 });
  },
  RUNS * TIME_PER_RUN_MS,
);
