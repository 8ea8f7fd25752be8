/** Makes the buckets, and keeps them as the table says. */
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

  constructor(line: NatsLine, reader: BucketReader) {
    this.#line = line;
    this.#reader = reader;
  }

  async prepare(servers: number): Promise<void> {
    const wanted = Math.max(1, Math.min(REPLICAS_MAX, servers));
    const manager = await managerOf(this.#line.use());
    for (const bucket of bucketNames) {
      await prepareStream(manager, bucket, wanted).catch((thrown) => {
        throw translateNats(thrown, `Preparing bucket '${bucket}'`);
      });
    }
  }

  async sweep(): Promise<void> {
    const manager = await managerOf(this.#line.use());
    for (const bucket of bucketNames) {
      await this.#sweepBucket(manager, bucket).catch((thrown) => {
        throw translateNats(thrown, `Sweeping bucket '${bucket}'`);
      });
    }
  }

  /** A marker goes when it was there at the last sweep too; the newest message of a stream stays, see ControllerReader. */
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

async function prepareStream(manager: JetStreamManager, bucket: BucketName, wanted: number): Promise<void> {
  const present = await manager.streams.info(streamOf(bucket)).catch((thrown) => {
    if (thrown instanceof JetStreamApiError && thrown.code === STREAM_NOT_FOUND) return undefined;
    throw thrown;
  });
  if (present === undefined) {
    await manager.streams.add(streamConfig(bucket, wanted) as StreamConfig);
    return;
  }
  // Copies are never taken away: a server that is gone for an hour is not gone for good.
  if (present.config.num_replicas < wanted) {
    await manager.streams.update(streamOf(bucket), { num_replicas: wanted });
  }
}
