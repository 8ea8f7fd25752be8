/** A whole bucket in a few round trips, through a consumer. For what is too much to ask for one by one. */
import { AckPolicy, DeliverPolicy, jetstream } from '@nats-io/jetstream';
import type { Consumer, ConsumerInfo, JsMsg, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { VoltError } from '../errors/index.ts';
import { streamOf, subjectOf, type BucketName } from './buckets.ts';
import { CALL_TIMEOUT_MS } from './nats-connection.ts';
import { keyOf, managerOf, type Stored } from './nats-kv.ts';

/** Bounds what one fetch holds in memory. */
const MESSAGES_PER_FETCH_MAX = 1000;
/** How long the server keeps a consumer whose reader died. */
const CONSUMER_IDLE_NANOS = 10 * 1_000_000_000;

export async function readWholeBucket(
  connection: NatsConnection,
  bucket: BucketName,
  info: StreamInfo,
): Promise<Stored[]> {
  const manager = await managerOf(connection);
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
  try {
    const read = await drain(connection, consumer, info.state.messages === 0 ? 0 : info.state.last_seq);
    return read.map(({ subject, seq: revision, headers, data: bytes }) => {
      return { key: keyOf(bucket, subject), revision, headers, bytes };
    });
  } finally {
    manager.consumers.delete(stream, consumer.name).catch(() => {
      // It goes by itself when idle.
    });
  }
}

/**
 * Everything up to a sequence. The consumer may live on a replica that is
 * behind, mostly by milliseconds: it delivers the rest as it comes. Markers
 * are swept only while they are not the newest message, so the newest comes.
 */
async function drain(connection: NatsConnection, consumer: ConsumerInfo, newestSeq: number): Promise<JsMsg[]> {
  const source = jetstream(connection).consumers.getConsumerFromInfo(consumer);
  const messages: JsMsg[] = [];
  while (messages.length < consumer.num_pending || (messages.at(-1)?.seq ?? 0) < newestSeq) {
    const missing = Math.max(1, consumer.num_pending - messages.length);
    const batch = await fetchBatch(source, Math.min(missing, MESSAGES_PER_FETCH_MAX));
    if (batch.length === 0) break;
    messages.push(...batch);
  }
  if ((messages.at(-1)?.seq ?? 0) < newestSeq) {
    throw new VoltError('CONFLICT', `Reading '${consumer.stream_name}': the replica is behind`);
  }
  // A key that changed meanwhile was delivered twice.
  return [...new Map(messages.map((message) => [message.subject, message])).values()];
}

/** Ends by itself: NATS's own iterator waits for ever when the server with the consumer dies. */
async function fetchBatch(source: Consumer, size: number): Promise<JsMsg[]> {
  const messages: JsMsg[] = [];
  const batch = await source.fetch({ max_messages: size, expires: CALL_TIMEOUT_MS });
  const deadline = setTimeout(() => batch.stop(), CALL_TIMEOUT_MS + 500);
  try {
    for await (const message of batch) messages.push(message);
  } finally {
    clearTimeout(deadline);
  }
  return messages;
}
