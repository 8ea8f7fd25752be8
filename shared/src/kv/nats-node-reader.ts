/**
 * How a node reads. It may have no consumer (see permissions.ts) and has few
 * keys: it asks the stream's leader for their names, then any server for each.
 */
import assert from 'node:assert/strict';
import type { JetStreamManager } from '@nats-io/jetstream';
import type { MsgHdrs } from '@nats-io/transport-node';
import { streamOf, subjectOf, type BucketName } from './buckets.ts';
import type { NatsLine } from './nats-connection.ts';
import { keyOf, managerOf, readFromLeader, type BucketReader, type Stored } from './nats-kv.ts';
import { Progress } from './nats-progress.ts';

const READS_AT_ONCE = 16;

export class NodeReader implements BucketReader {
  readonly #line: NatsLine;
  readonly #progress = new Progress();

  constructor(line: NatsLine) {
    this.#line = line;
  }

  async readAll(bucket: BucketName, node: string | undefined): Promise<readonly Stored[]> {
    const manager = await managerOf(this.#line.use());
    const info = await manager.streams.info(streamOf(bucket), {
      subjects_filter: subjectOf(bucket, node === undefined ? '>' : `${node}.>`),
    });
    this.#progress.check(bucket, info);
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
