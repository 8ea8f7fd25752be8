/**
 * How many objects there are and how large they are, without looking at a
 * million of them each time.
 *
 * Objects lie in 256 shards, and a folder's time changes with every name that
 * comes or goes. So a shard whose time is what it was holds what it held, and
 * only the others are counted again. A time so young that a later change could
 * have the same one is not relied on.
 *
 * Within a time that people wait for, as many shards are counted as can be; the
 * rest is guessed from what was counted (hashes spread evenly), is said to be a
 * guess, and is counted after the answer.
 */
import { lstatSync, readdirSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { isDigest, type Store } from '../store/index.ts';
import { Breath } from './breath.ts';
import { readNote, writeNote } from './notes.ts';
import { BLOCK_BYTES } from './weigh.ts';

export interface Counts {
  readonly objects: number;
  /** Of what they hold. */
  readonly sizeBytes: number;
  /** Of disk. */
  readonly diskBytes: number;
  /** False where part of it is a guess. */
  readonly isExact: boolean;
}

/** Half of the second that an answer may take. */
const PATIENCE_MS = 500;
/** Times of files are as coarse as the kernel's tick. */
const YOUNG_MS = 50;

const Shard = z.object({ mtimeMs: z.number(), objects: z.int(), sizeBytes: z.number(), diskBytes: z.number() });
type Shard = z.output<typeof Shard>;
/** One look at all shards. */
interface Run {
  readonly startedMs: number;
  readonly done: Promise<void>;
}

const Note = z.object({ shards: z.record(z.string(), Shard) });

export class Counter {
  readonly #store: Store;
  #shards: Map<string, Shard> | undefined;
  #run: Run | undefined;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Answers in about half a second whatever the size. */
  async count(signal: AbortSignal): Promise<Counts> {
    const askedMs = performance.now();
    const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
    const timeUp = new Promise<'time is up'>((resolve) =>
      patience.addEventListener('abort', () => resolve('time is up'), { once: true }),
    );
    for (;;) {
      const run = (this.#run ??= this.#start());
      const ended = await Promise.race([run.done, timeUp]);
      signal.throwIfAborted();
      if (ended === 'time is up') return this.#sum(false);
      // One that began before may have passed what changed since.
      if (run.startedMs >= askedMs) return this.#sum(true);
    }
  }

  /** Goes on behind an answer that was a guess, so that the next is not. */
  #start(): Run {
    const done = this.#bringUpToDate().finally(() => {
      this.#run = undefined;
    });
    // Who waits is told; when nobody does, the next one counts again.
    done.catch(() => {});
    return { startedMs: performance.now(), done };
  }

  async #bringUpToDate(): Promise<void> {
    const { layout } = this.#store.objects;
    const breath = new Breath(new AbortController().signal);
    const shards = (this.#shards ??= remembered(this.#store));
    const present = await readdir(layout.objects);
    for (const name of shards.keys()) if (!present.includes(name)) shards.delete(name);
    const changed = present.filter((name) => shards.get(name)?.mtimeMs !== timeOf(join(layout.objects, name)));
    for (const name of changed) {
      const counted = await countShard(join(layout.objects, name), breath);
      if (counted === undefined) shards.delete(name);
      else shards.set(name, counted);
    }
    if (changed.length > 0) writeNote(this.#store, 'counts', { shards: Object.fromEntries(shards) });
  }

  #sum(isExact: boolean): Counts {
    const sum = { objects: 0, sizeBytes: 0, diskBytes: 0 };
    const shards = this.#shards ?? new Map<string, Shard>();
    for (const { objects, sizeBytes, diskBytes } of shards.values()) {
      sum.objects += objects;
      sum.sizeBytes += sizeBytes;
      sum.diskBytes += diskBytes;
    }
    if (isExact || shards.size === 0) return { ...sum, isExact };
    const factor = readdirSync(this.#store.objects.layout.objects).length / shards.size;
    const guess = (value: number) => Math.round(value * factor);
    const { objects, sizeBytes, diskBytes } = sum;
    return { objects: guess(objects), sizeBytes: guess(sizeBytes), diskBytes: guess(diskBytes), isExact };
  }
}

function remembered(store: Store): Map<string, Shard> {
  const note = Note.safeParse(readNote(store, 'counts'));
  return new Map(note.success ? Object.entries(note.data.shards) : []);
}

/** Undefined for a shard that has gone. A shard that changes while it is counted gets the time from before. */
async function countShard(folder: string, breath: Breath): Promise<Shard | undefined> {
  const mtimeMs = timeOf(folder);
  if (mtimeMs === undefined) return undefined;
  const counted = { objects: 0, sizeBytes: 0, diskBytes: 0 };
  for (const name of await readdir(folder)) {
    if (breath.isDue) await breath.breathe();
    const stats = isDigest(name) ? lstatSync(join(folder, name), { throwIfNoEntry: false }) : undefined;
    if (stats === undefined) continue;
    counted.objects++;
    counted.sizeBytes += stats.size;
    counted.diskBytes += stats.blocks * BLOCK_BYTES;
  }
  const isYoung = Date.now() - mtimeMs < YOUNG_MS;
  return { ...counted, mtimeMs: isYoung ? 0 : mtimeMs };
}

const timeOf = (folder: string): number | undefined => statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
