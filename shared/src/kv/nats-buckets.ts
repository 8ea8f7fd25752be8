/** Makes the buckets, and keeps them as the table says. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DiscardPolicy,
  JetStreamApiError,
  RetentionPolicy,
  StorageType,
  type JetStreamManager,
  type StreamConfig,
} from '@nats-io/jetstream';
import { bucketNames, buckets, doorbellOf, streamOf, subjectOf, type BucketName } from './buckets.ts';
import type { BucketKeeper } from './kv.ts';
import type { NatsLine } from './nats-connection.ts';
import { STREAM_NOT_FOUND, translateNats } from './nats-errors.ts';
import { isMarker, managerOf, type BucketReader } from './nats-kv.ts';

/** More copies cost writes and do not survive more failures worth planning for. */
export const REPLICAS_MAX = 3;

/** Two copies need both of their servers for every write: they are away more often than one is. */
export const copiesFor = (servers: number): number => (servers >= REPLICAS_MAX ? REPLICAS_MAX : 1);

/**
 * New copies are made bucket by bucket: measured, several streams that grow at
 * once can lose their quorum for 20 s.
 */
const GROW_TIMEOUT_MS = 10_000;
const GROW_LOOK_MS = 100;

/**
 * NATS calls a copy current that has nothing yet, until its group has elected a leader. Seen: a bucket that was
 * said to be whole three times was on one server, and what it held was lost with that server's restart.
 */
const BELIEVED_AFTER_MS = 2000;

type Config = Partial<StreamConfig> & { name: string; num_replicas: number };

export function streamConfig(bucket: BucketName, replicas: number): Config {
  const { summary, storage, valueBytesMax, keysMax } = buckets[bucket];
  return {
    name: streamOf(bucket),
    description: summary,
    subjects: [subjectOf(bucket, '>')],
    retention: RetentionPolicy.Limits,
    storage: storage === 'file' ? StorageType.File : StorageType.Memory,
    max_msgs_per_subject: 1,
    max_msgs: keysMax,
    max_msg_size: valueBytesMax,
    discard: DiscardPolicy.New,
    num_replicas: replicas,
    allow_direct: true,
    allow_rollup_hdrs: false,
    deny_delete: true,
    // The doorbell: rung by the server, after the value is stored, with no value in it.
    republish: { src: subjectOf(bucket, '>'), dest: doorbellOf(bucket, '>'), headers_only: true },
  };
}

export class NatsBucketKeeper implements BucketKeeper {
  readonly #line: NatsLine;
  readonly #reader: BucketReader;
  readonly #markersSeen = new Map<string, number>();
  /** Which servers were seen to have the buckets, twice. */
  #believed = '';

  constructor(line: NatsLine, reader: BucketReader) {
    this.#line = line;
    this.#reader = reader;
  }

  async prepare(servers: number): Promise<void> {
    const wanted = copiesFor(servers);
    const manager = await managerOf(this.#line.use());
    for (const bucket of bucketNames) {
      await prepareStream(manager, bucket, wanted).catch((thrown) => {
        throw translateNats(thrown, `Preparing bucket '${bucket}'`);
      });
    }
  }

  async copies(): Promise<number> {
    const places = await this.#places();
    const isBelieved = places.join(';') === this.#believed || fewest(places) === 1;
    if (isBelieved) return fewest(places);
    await sleep(BELIEVED_AFTER_MS);
    const again = await this.#places();
    if (again.join(';') === places.join(';')) this.#believed = again.join(';');
    return Math.min(fewest(places), fewest(again));
  }

  /** For each bucket the servers that are said to have all of it, with a comma between them. */
  async #places(): Promise<string[]> {
    const manager = await managerOf(this.#line.use());
    const looks = bucketNames.map(async (bucket) => {
      const { cluster } = await manager.streams.info(streamOf(bucket));
      const whole = (cluster?.replicas ?? []).filter(({ current, offline }) => current && offline !== true);
      return [cluster?.leader ?? '', ...whole.map(({ name }) => name)].toSorted().join();
    });
    return Promise.all(looks).catch((thrown) => {
      throw translateNats(thrown, 'Counting the copies of the buckets');
    });
  }

  async sweep(): Promise<void> {
    const manager = await managerOf(this.#line.use());
    for (const bucket of bucketNames) {
      await this.#sweepBucket(manager, bucket).catch((thrown) => {
        throw translateNats(thrown, `Sweeping bucket '${bucket}'`);
      });
    }
  }

  /** A marker goes when it was there at the last sweep too; a stream's newest message stays, see readWholeBucket. */
  async #sweepBucket(manager: JetStreamManager, bucket: BucketName): Promise<void> {
    const messages = await this.#reader.readAll(bucket, undefined);
    const newest = messages.reduce((highest, { revision }) => Math.max(highest, revision), 0);
    for (const marker of messages.filter(isMarker)) {
      const id = `${bucket} ${marker.key}`;
      if (this.#markersSeen.get(id) !== marker.revision) {
        this.#markersSeen.set(id, marker.revision);
      } else if (marker.revision < newest) {
        // `seq` keeps whatever was written to the key since.
        await manager.streams.purge(streamOf(bucket), {
          filter: subjectOf(bucket, marker.key),
          seq: marker.revision + 1,
        });
        this.#markersSeen.delete(id);
      }
    }
  }
}

const fewest = (places: readonly string[]): number => Math.min(...places.map((names) => names.split(',').length));

async function prepareStream(manager: JetStreamManager, bucket: BucketName, wanted: number): Promise<void> {
  const present = await manager.streams.info(streamOf(bucket)).catch((thrown) => {
    if (thrown instanceof JetStreamApiError && thrown.code === STREAM_NOT_FOUND) return undefined;
    throw thrown;
  });
  if (present === undefined) {
    await manager.streams.add(streamConfig(bucket, wanted));
    return;
  }
  // Copies are never taken away: a server that is gone for an hour is not gone for good.
  if (present.config.num_replicas < wanted) {
    await manager.streams.update(streamOf(bucket), { num_replicas: wanted });
    await untilGrown(manager, bucket, wanted);
  }
}

/** Resolves once all copies are up to date, or when that takes too long; the next pass looks again. */
async function untilGrown(manager: JetStreamManager, bucket: BucketName, wanted: number): Promise<void> {
  for (let waitedMs = 0; waitedMs < GROW_TIMEOUT_MS; waitedMs += GROW_LOOK_MS) {
    await sleep(GROW_LOOK_MS);
    // While its leader changes, nobody can say; that is no reason to hurry on to the next bucket.
    const info = await manager.streams.info(streamOf(bucket)).catch(() => undefined);
    const current = (info?.cluster?.replicas ?? []).filter((replica) => replica.current && replica.offline !== true);
    if (info?.cluster?.leader !== undefined && 1 + current.length >= wanted) return;
  }
}
