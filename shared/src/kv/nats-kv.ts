/** Kv over NATS JetStream. Reading differs by role (see decision 0006), writing does not. */
import { JetStreamApiError, jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { headers, type MsgHdrs, type NatsConnection } from '@nats-io/transport-node';
import { VoltError } from '../errors/index.ts';
import { doorbellOf, decodeValue, encodeValue, streamOf, subjectOf } from './buckets.ts';
import type { BucketName, BucketValue } from './buckets.ts';
import type { Entry, Kv } from './kv.ts';
import { CALL_TIMEOUT_MS, type NatsLine } from './nats-connection.ts';
import { translateNats, WRONG_LAST_SEQUENCE, WRONG_LAST_SEQUENCE_UNKNOWN } from './nats-errors.ts';

const OPERATION = 'KV-Operation';
/** Set by the server on messages that it copies out of a stream. On a stored one it betrays a replayed copy. */
const COPIED_FROM = 'Nats-Stream';

/** One stored message. */
export interface Stored {
  readonly key: string;
  readonly revision: number;
  readonly headers: MsgHdrs | undefined;
  readonly bytes: Uint8Array;
}

/** How a role reads a whole bucket. */
export interface BucketReader {
  /** The last message of every key, deletion markers included; `node` as in Kv. */
  readAll(bucket: BucketName, node: string | undefined): Promise<readonly Stored[]>;
  /** The last message of one key. */
  readOne(bucket: BucketName, key: string): Promise<Stored | undefined>;
}

export class NatsKv implements Kv {
  readonly #line: NatsLine;
  readonly #reader: BucketReader;

  constructor(line: NatsLine, reader: BucketReader) {
    this.#line = line;
    this.#reader = reader;
  }

  async get<B extends BucketName>(bucket: B, key: string): Promise<Entry<BucketValue<B>> | undefined> {
    const stored = await this.#reader.readOne(bucket, key).catch((thrown) => {
      throw translateNats(thrown, `Reading '${key}' of '${bucket}'`);
    });
    return stored === undefined || isMarker(stored) ? undefined : entryOf(bucket, stored);
  }

  async list<B extends BucketName>(
    bucket: B,
    node?: string,
    known: ReadonlyMap<string, number> = new Map(),
  ): Promise<Entry<BucketValue<B>>[]> {
    const stored = await this.#reader.readAll(bucket, node).catch((thrown) => {
      throw translateNats(thrown, `Reading '${bucket}'`);
    });
    return stored
      .filter((message) => !isMarker(message) || message.revision < (known.get(message.key) ?? 0))
      .map((message) => entryOf(bucket, message))
      .toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  async create<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number> {
    const bytes = encodeValue(bucket, key, value);
    try {
      return await this.#publish(bucket, key, bytes, { expected: 0 });
    } catch (thrown) {
      if (!isWrongSequence(thrown)) throw translateNats(thrown, `Creating '${key}' in '${bucket}'`);
    }
    // Something is there: a value, or the marker of a deleted one.
    const stored = await this.#reader.readOne(bucket, key);
    if (stored !== undefined && !isMarker(stored)) throw new VoltError('CONFLICT', `'${key}' is taken in '${bucket}'`);
    return this.#write(bucket, key, bytes, { expected: stored?.revision ?? 0 });
  }

  async update<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>, revision: number): Promise<number> {
    return this.#write(bucket, key, encodeValue(bucket, key, value), { expected: revision });
  }

  async put<B extends BucketName>(bucket: B, key: string, value: BucketValue<B>): Promise<number> {
    return this.#write(bucket, key, encodeValue(bucket, key, value), {});
  }

  async delete(bucket: BucketName, key: string, revision?: number): Promise<void> {
    const marker = headers();
    marker.set(OPERATION, 'DEL');
    const options = revision === undefined ? { marker } : { marker, expected: revision };
    await this.#write(bucket, key, new Uint8Array(), options);
  }

  watch(bucket: BucketName, node: string | undefined, wake: () => void, signal: AbortSignal): void {
    const subject = doorbellOf(bucket, node === undefined ? '>' : `${node}.>`);
    this.#line.onConnection((connection) => {
      const subscription = connection.subscribe(subject, { callback: () => wake() });
      signal.addEventListener('abort', () => subscription.unsubscribe(), { once: true });
      // Rings may have been missed before.
      wake();
    }, signal);
  }

  #write(bucket: BucketName, key: string, bytes: Uint8Array, options: WriteOptions): Promise<number> {
    return this.#publish(bucket, key, bytes, options).catch((thrown) => {
      throw translateNats(thrown, `Writing '${key}' of '${bucket}'`);
    });
  }

  async #publish(bucket: BucketName, key: string, bytes: Uint8Array, options: WriteOptions): Promise<number> {
    const { expected, marker } = options;
    const { seq } = await jetstream(this.#line.use()).publish(subjectOf(bucket, key), bytes, {
      timeout: CALL_TIMEOUT_MS,
      ...(marker === undefined ? {} : { headers: marker }),
      ...(expected === undefined ? {} : { expect: { lastSubjectSequence: expected, streamName: streamOf(bucket) } }),
    });
    return seq;
  }
}

interface WriteOptions {
  readonly expected?: number;
  readonly marker?: MsgHdrs;
}

/** `checkAPI: false`, because the check asks for more rights than are needed afterwards. */
export function managerOf(connection: NatsConnection): Promise<JetStreamManager> {
  return jetstreamManager(connection, { timeout: CALL_TIMEOUT_MS, checkAPI: false });
}

/** The stream's leader answers: there is nothing newer. */
export async function readFromLeader(
  manager: JetStreamManager,
  bucket: BucketName,
  key: string,
): Promise<Stored | undefined> {
  const message = await manager.streams.getMessage(streamOf(bucket), { last_by_subj: subjectOf(bucket, key) });
  return message === null ? undefined : { key, revision: message.seq, headers: message.header, bytes: message.data };
}

export const keyOf = (bucket: BucketName, subject: string): string => subject.slice(subjectOf(bucket, '').length);

export const isMarker = ({ headers: own }: Stored): boolean => own !== undefined && own.get(OPERATION) !== '';

/**
 * A node can have the server answer to another's key instead of to itself. The
 * copy that arrives so carries the server's own headers, and is not believed.
 */
function entryOf<B extends BucketName>(bucket: B, stored: Stored): Entry<BucketValue<B>> {
  const isForged = stored.headers !== undefined && stored.headers.get(COPIED_FROM) !== '';
  return {
    key: stored.key,
    revision: stored.revision,
    value: isForged ? null : decodeValue(bucket, stored.bytes),
  };
}

function isWrongSequence(thrown: unknown): boolean {
  return (
    thrown instanceof JetStreamApiError &&
    (thrown.code === WRONG_LAST_SEQUENCE || thrown.code === WRONG_LAST_SEQUENCE_UNKNOWN)
  );
}
