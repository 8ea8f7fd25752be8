/**
 * The two ways to read a bucket.
 *
 * A controller reads through a consumer: one round trip for thousands of keys.
 * A node may have none (see permissions.ts) and has few keys: it asks for their
 * names, then for each.
 */
import assert from 'node:assert/strict';
import { AckPolicy, DeliverPolicy, jetstream, type JetStreamManager, type StreamInfo } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { VoltError } from '../errors/index.ts';
import { streamOf, subjectOf, type BucketName } from './buckets.ts';
import { CALL_TIMEOUT_MS, type NatsLine } from './nats-connection.ts';
import { keyOf, managerOf, type BucketReader, type Stored } from './nats-kv.ts';

/** Bounds what one fetch holds in memory. */
const MESSAGES_PER_FETCH_MAX = 1000;
const READS_AT_ONCE = 16;
/** How long the server keeps a consumer whose reader died. */
const CONSUMER_IDLE_NANOS = 10 * 1_000_000_000;

export class ControllerReader implements BucketReader {
  readonly #line: NatsLine;
  /** Nothing is read again while the stream has not moved. */
  readonly #lastRead = new Map<BucketName, { readonly stamp: string; readonly messages: readonly Stored[] }>();

  constructor(line: NatsLine) {
    this.#line = line;
  }

  async readAll(bucket: BucketName, node: string | undefined): Promise<readonly Stored[]> {
    const manager = await managerOf(this.#line.use());
    // Answered by the stream's leader, so this is the newest there is.
    const info = await manager.streams.info(streamOf(bucket));
    const stamp = `${info.created} ${info.state.last_seq} ${info.state.messages}`;
    const last = this.#lastRead.get(bucket);
    const messages = last?.stamp === stamp ? last.messages : await this.#fetchAll(bucket, info, manager);
    this.#lastRead.set(bucket, { stamp, messages });
    return node === undefined ? messages : messages.filter(({ key }) => key.startsWith(`${node}.`));
  }

  async readOne(bucket: BucketName, key: string): Promise<Stored | undefined> {
    return readFromLeader(await managerOf(this.#line.use()), bucket, key);
  }

  async #fetchAll(bucket: BucketName, info: StreamInfo, manager: JetStreamManager): Promise<Stored[]> {
    const stream = streamOf(bucket);
    const consumer = await manager.consumers.add(stream, {
      name: `read-${crypto.randomUUID()}`,
      // With a history of one, all messages are the last of their keys.
      deliver_policy: DeliverPolicy.All,
      ack_policy: AckPolicy.None,
      filter_subject: subjectOf(bucket, '>'),
      inactive_threshold: CONSUMER_IDLE_NANOS,
      mem_storage: true,
      num_replicas: 1,
    });
    const byKey = new Map<string, Stored>();
    let pending = consumer.num_pending;
    let newest = 0;
    try {
      const source = jetstream(this.#line.use()).consumers.getConsumerFromInfo(consumer);
      while (pending > 0) {
        const batch = Math.min(pending, MESSAGES_PER_FETCH_MAX);
        let received = 0;
        for await (const message of await source.fetch({ max_messages: batch, expires: CALL_TIMEOUT_MS })) {
          const stored = {
            key: keyOf(bucket, message.subject),
            revision: message.seq,
            headers: message.headers,
            bytes: message.data,
          };
          byKey.set(stored.key, stored);
          newest = message.seq;
          received += 1;
        }
        if (received === 0) break;
        pending -= received;
      }
    } finally {
      manager.consumers.delete(stream, consumer.name).catch(() => {
        // It goes by itself when idle.
      });
    }
    // The consumer may live on a replica that is behind. Markers are swept only
    // while they are not the newest message, so the newest always arrives.
    if (info.state.messages > 0 && newest < info.state.last_seq) {
      throw new VoltError('CONFLICT', `Reading '${bucket}': the replica is behind`);
    }
    return [...byKey.values()];
  }
}

export class NodeReader implements BucketReader {
  readonly #line: NatsLine;

  constructor(line: NatsLine) {
    this.#line = line;
  }

  async readAll(bucket: BucketName, node: string | undefined): Promise<readonly Stored[]> {
    const manager = await managerOf(this.#line.use());
    const info = await manager.streams.info(streamOf(bucket), {
      subjects_filter: subjectOf(bucket, node === undefined ? '>' : `${node}.>`),
    });
    const keys = Object.keys(info.state.subjects ?? {}).map((subject) => keyOf(bucket, subject));
    const messages: Stored[] = [];
    for (let at = 0; at < keys.length; at += READS_AT_ONCE) {
      const read = keys.slice(at, at + READS_AT_ONCE).map((key) => readFromAny(manager, bucket, key));
      messages.push(...(await Promise.all(read)));
    }
    return messages;
  }

  async readOne(bucket: BucketName, key: string): Promise<Stored | undefined> {
    assert(bucket === 'leases', 'A node reads single keys of the leases only');
    return readFromLeader(await managerOf(this.#line.use()), bucket, key);
  }
}

async function readFromLeader(manager: JetStreamManager, bucket: BucketName, key: string): Promise<Stored | undefined> {
  const message = await manager.streams.getMessage(streamOf(bucket), { last_by_subj: subjectOf(bucket, key) });
  return message === null ? undefined : { key, revision: message.seq, headers: message.header, bytes: message.data };
}

/** From whichever replica answers. One that is behind may miss a key that exists: it is told as unreadable. */
async function readFromAny(manager: JetStreamManager, bucket: BucketName, key: string): Promise<Stored> {
  const message = await manager.direct.getMessage(streamOf(bucket), { last_by_subj: subjectOf(bucket, key) });
  if (message === null) return { key, revision: 0, headers: undefined, bytes: new Uint8Array() };
  return { key, revision: message.seq, headers: withoutAnswersOwn(message.header), bytes: message.data };
}

/** The server describes its answer in the headers of the message; only what was stored counts. */
function withoutAnswersOwn(all: MsgHdrs): MsgHdrs {
  if (all.values('Nats-Stream').length === 1) all.delete('Nats-Stream');
  return all;
}
