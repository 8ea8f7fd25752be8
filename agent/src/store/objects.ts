/**
 * The objects: bytes named by their hash. Reading, and the door to
 * writing, which is always an ingest (ingest.ts).
 */
import { closeSync, fstatSync, openSync, readFileSync, statSync } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { type Digest, isDigest } from './digest.ts';
import { errnoOf } from './fs-errors.ts';
import type { Hash } from './hash.ts';
import type { Hold, Holds } from './holds.ts';
import { Ingest, type IngestOptions } from './ingest.ts';
import { type Layout, objectPath } from './layout.ts';
import { algorithmsOf } from './naming.ts';
import type { Programs } from '../host/index.ts';

const READ_CHUNK_BYTES = 256 * 1024;

/** Manifests are read whole. The tree of two million files stays below this. */
export const MANIFEST_BYTES_MAX = 512 * 1024 * 1024;

export interface OpenObject {
  readonly sizeBytes: number;
  /** Closes the file when it is read to the end or left early; must be iterated. */
  readonly chunks: AsyncIterable<Uint8Array>;
}

export interface ObjectsPorts {
  readonly layout: Layout;
  readonly hash: Hash;
  readonly programs: Programs;
  readonly holds: Holds;
}

export class Objects {
  readonly layout: Layout;
  readonly hash: Hash;
  readonly #ports: ObjectsPorts;

  constructor(ports: ObjectsPorts) {
    this.layout = ports.layout;
    this.hash = ports.hash;
    this.#ports = ports;
  }

  pathOf(digest: Digest): string {
    return objectPath(this.layout, digest);
  }

  has(digest: Digest): boolean {
    return this.sizeOf(digest) !== undefined;
  }

  /** Undefined where the object is not here. */
  sizeOf(digest: Digest): number | undefined {
    return statSync(this.pathOf(digest), { throwIfNoEntry: false })?.size;
  }

  /** A small object, whole, checked against its name. */
  read(digest: Digest): Buffer {
    const size = this.sizeOf(digest);
    if (size === undefined) throw absent(digest);
    if (size > MANIFEST_BYTES_MAX) throw new VoltError('RESOURCE', `Object ${digest} is too large for a manifest`);
    const bytes = readFileSync(this.pathOf(digest));
    if (!algorithmsOf(digest).some((one) => this.hash.of(bytes, one) === digest)) throw damaged(digest);
    return bytes;
  }

  /** An object small enough to hold, unchecked: whoever receives it checks. Undefined where it is not here. */
  readSmall(digest: Digest, sizeBytesMax: number): Buffer | undefined {
    try {
      const fd = openSync(this.pathOf(digest), 'r');
      try {
        return fstatSync(fd).size <= sizeBytesMax ? readFileSync(fd) : undefined;
      } finally {
        closeSync(fd);
      }
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw thrown;
    }
  }

  /** Contents from a place on. Undefined where the object is not here. */
  async open(digest: Digest, from = 0): Promise<OpenObject | undefined> {
    try {
      const file = await open(this.pathOf(digest), 'r');
      const { size } = await file.stat();
      return { sizeBytes: size, chunks: chunksOf(file, from) };
    } catch (thrown) {
      if (errnoOf(thrown) === 'ENOENT') return undefined;
      throw thrown;
    }
  }

  async verify(digest: Digest): Promise<'ok' | 'damaged' | 'absent'> {
    for (const algorithm of algorithmsOf(digest)) {
      const object = await this.open(digest);
      if (object === undefined) return 'absent';
      const hasher = this.hash.start(algorithm);
      try {
        for await (const chunk of object.chunks) hasher.update(chunk);
        if (hasher.end() === digest) return 'ok';
      } finally {
        hasher.dispose();
      }
    }
    return 'damaged';
  }

  /** Every object, in no particular order. */
  async *list(): AsyncGenerator<Digest> {
    for (const shard of await readdir(this.layout.objects)) {
      for (const name of await readdir(join(this.layout.objects, shard))) if (isDigest(name)) yield name;
    }
  }

  /** Starts a batch of objects that are published together. */
  ingest(options?: IngestOptions): Ingest {
    return new Ingest(this.#ports, options);
  }

  /** One small object, published and durable when this resolves. */
  async put(bytes: Uint8Array, hold?: Hold): Promise<Digest> {
    await using batch = this.ingest({ hold });
    const digest = await batch.putBytes(bytes);
    await batch.commit();
    return digest;
  }
}

const absent = (digest: Digest): VoltError =>
  new VoltError('NOT_FOUND', `Object ${digest} is not in the store`, { hint: 'pull or import the image again' });

const damaged = (digest: Digest): VoltError =>
  new VoltError('DEPENDENCY', `Object ${digest} is damaged`, { hint: 'pull or import the image again' });

async function* chunksOf(file: Awaited<ReturnType<typeof open>>, from: number): AsyncGenerator<Uint8Array> {
  try {
    for (let at = from; ;) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_CHUNK_BYTES), 0, READ_CHUNK_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
