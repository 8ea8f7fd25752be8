/**
 * How a controller reads: it keeps a copy of each bucket and asks the stream's
 * leader for what came since. Consumers are for catching up on much only: the
 * server places each on one of its peers, for some seconds even on a dead one.
 */
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import { VoltError } from '../errors/index.ts';
import { streamOf, subjectOf, type BucketName } from './buckets.ts';
import type { NatsLine } from './nats-connection.ts';
import { keyOf, managerOf, readFromLeader, type BucketReader, type Stored } from './nats-kv.ts';
import { Progress } from './nats-progress.ts';
import { readWholeBucket } from './nats-whole-bucket.ts';

/** What is asked for one by one, each a round trip. */
const CATCH_UP_MAX = 256;

interface Copy {
  /** Of the stream: one that was made anew has another. */
  readonly created: string;
  readonly lastSeq: number;
  readonly byKey: ReadonlyMap<string, Stored>;
}

export class ControllerReader implements BucketReader {
  readonly #line: NatsLine;
  readonly #progress = new Progress();
  readonly #copies = new Map<BucketName, Copy>();

  constructor(line: NatsLine) {
    this.#line = line;
  }

  async readAll(bucket: BucketName, node: string | undefined): Promise<readonly Stored[]> {
    const connection = this.#line.use();
    const manager = await managerOf(connection);
    // Answered by the stream's leader, so this is the newest there is.
    const info = await manager.streams.info(streamOf(bucket));
    this.#progress.check(bucket, info);
    const before = this.#copies.get(bucket);
    const isAhead = before?.created === info.created && before.lastSeq <= info.state.last_seq;
    const start = isAhead ? before : { created: info.created, lastSeq: 0, byKey: new Map() };
    const copy = (await catchUp(manager, bucket, info, start)) ?? {
      created: info.created,
      lastSeq: info.state.last_seq,
      byKey: new Map((await readWholeBucket(connection, bucket, info)).map((stored) => [stored.key, stored])),
    };
    this.#copies.set(bucket, copy);
    const all = [...copy.byKey.values()];
    return node === undefined ? all : all.filter(({ key }) => key.startsWith(`${node}.`));
  }

  async readOne(bucket: BucketName, key: string): Promise<Stored | undefined> {
    return readFromLeader(await managerOf(this.#line.use()), bucket, key);
  }
}

/** Undefined when it is too much, or when the copy has what the stream has no more. */
async function catchUp(
  manager: JetStreamManager,
  bucket: BucketName,
  info: StreamInfo,
  copy: Copy,
): Promise<Copy | undefined> {
  const { last_seq: newestSeq, messages } = info.state;
  if (Math.min(newestSeq - copy.lastSeq, messages) > CATCH_UP_MAX) return undefined;
  const byKey = new Map(copy.byKey);
  let lastSeq = copy.lastSeq;
  // To the end, not to the newest of before: what was newest may be replaced already.
  for (let read = 0; newestSeq > copy.lastSeq; read += 1) {
    if (read > CATCH_UP_MAX) return undefined;
    const next = { seq: lastSeq + 1, next_by_subj: subjectOf(bucket, '>') };
    const message = await manager.streams.getMessage(streamOf(bucket), next);
    if (message === null) break;
    const stored = { key: keyOf(bucket, message.subject), revision: message.seq, headers: message.header };
    byKey.set(stored.key, { ...stored, bytes: message.data });
    lastSeq = message.seq;
  }
  if (messages > 0 && lastSeq < newestSeq) {
    throw new VoltError('CONFLICT', `Reading '${bucket}': the answer comes from a server that is behind`);
  }
  const kept = [...byKey.values()].filter(({ revision }) => revision <= newestSeq).length;
  return kept > messages ? undefined : { created: copy.created, lastSeq: Math.max(lastSeq, newestSeq), byKey };
}
