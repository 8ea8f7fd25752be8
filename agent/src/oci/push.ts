/** An image on its way into a registry: what it lacks is uploaded, and the manifest last. */
import { createReadStream } from 'node:fs';
import { VoltError } from '@volt/shared/errors';
import type { Body } from './http.ts';
import type { Registry } from './registry.ts';
import { type RemoteReference, spellRemote } from './remote-reference.ts';
import type { Descriptor } from './schemas.ts';
import type { ImageDocuments } from './write-layout.ts';

const CHUNK_BYTES = 16 * 1024 * 1024;
/** Attempts to go on with one upload that bring nothing new, in a row. */
const FRUITLESS_MAX = 3;

export interface Push {
  readonly registry: Registry;
  readonly reference: RemoteReference;
  readonly documents: ImageDocuments;
  /** A repository of the same registry that may have the layer. */
  readonly mountFrom: string | undefined;
  readonly signal: AbortSignal;
  readonly onLine: (line: string) => void;
}

interface Blob {
  readonly descriptor: Pick<Descriptor, 'digest' | 'size'>;
  readonly read: (start: number, end: number) => AsyncIterable<Uint8Array>;
}

/** Resolves once the registry has all of it under the name. */
export async function pushImage(push: Push): Promise<void> {
  const { config, manifest, layer } = push.documents;
  const file = (start: number, end: number) => createReadStream(layer.path, { start, end: end - 1 });
  await pushBlob(push, { descriptor: layer, read: file });
  await pushBlob(push, {
    descriptor: config.descriptor,
    read: (start, end) => once(config.bytes.subarray(start, end)),
  });
  const { reference } = push;
  const { tag, digest } = reference;
  if (tag === undefined || digest !== undefined) {
    throw new VoltError('USAGE', `'${spellRemote(reference)}' names a digest; a push needs a tag`);
  }
  push.onLine('manifest');
  const answer = await send(push, {
    method: 'PUT',
    path: `/v2/${reference.repository}/manifests/${tag}`,
    headers: { 'content-type': manifest.descriptor.mediaType },
    body: bodyOf(manifest.bytes),
    expect: [200, 201],
  });
  answer.discard();
  const stored = answer.header('docker-content-digest');
  if (stored !== undefined && stored !== manifest.descriptor.digest) {
    throw new VoltError('DEPENDENCY', `Registry ${push.registry.host} stored another manifest than it was sent`);
  }
}

async function pushBlob(push: Push, blob: Blob): Promise<void> {
  const { digest } = blob.descriptor;
  const { repository } = push.reference;
  const path = `/v2/${repository}/blobs/${digest}`;
  const there = await send(push, { method: 'HEAD', path, expect: [200, 404] });
  there.discard();
  if (there.status === 200) return;
  const from = push.mountFrom === undefined ? '' : `&from=${encodeURIComponent(push.mountFrom)}`;
  const begun = await send(push, {
    method: 'POST',
    path: `/v2/${repository}/blobs/uploads/?mount=${encodeURIComponent(digest)}${from}`,
    headers: { 'content-length': '0' },
    expect: [201, 202],
  });
  begun.discard();
  // 201: another repository had it, and shares it.
  if (begun.status === 202) await upload(push, blob, begun);
}

type Headers = { header(name: string): string | undefined };

async function upload(push: Push, { descriptor, read }: Blob, begun: Headers): Promise<void> {
  const { registry } = push;
  const { digest, size } = descriptor;
  const chunkBytes = Math.max(CHUNK_BYTES, Number(begun.header('oci-chunk-min-length') ?? 0) || 0);
  let place = registry.resolve(begun.header('location'));
  let sent = 0;
  for (let fruitless = 0; sent < size;) {
    const end = Math.min(sent + chunkBytes, size);
    const start = sent;
    try {
      const answer = await send(push, {
        method: 'PATCH',
        path: place,
        headers: { 'content-type': 'application/octet-stream', 'content-range': `${start}-${end - 1}` },
        body: { sizeBytes: end - start, open: () => read(start, end) },
        // 416: it has another part than we think.
        expect: [202, 204, 416],
      });
      answer.discard();
      if (answer.status === 416) throw new VoltError('NETWORK', `Registry ${registry.host} lost its place`);
      place = registry.resolve(answer.header('location'));
      sent = end;
      fruitless = 0;
    } catch (thrown) {
      if (!(thrown instanceof VoltError) || thrown.code !== 'NETWORK' || ++fruitless >= FRUITLESS_MAX) throw thrown;
      ({ sent, place } = await resumed(push, place));
    }
    push.onLine(`${(sent / 1e6).toFixed(1)} of ${(size / 1e6).toFixed(1)} MB`);
  }
  place.searchParams.set('digest', digest);
  const done = await send(push, { method: 'PUT', path: place, headers: { 'content-length': '0' }, expect: [201, 204] });
  done.discard();
}

/** How far the registry got, by its own account. */
async function resumed(push: Push, place: URL): Promise<{ sent: number; place: URL }> {
  const answer = await send(push, { method: 'GET', path: place, expect: [204] });
  answer.discard();
  const [, last] = /^(?:bytes=)?0-(\d+)$/.exec(answer.header('range') ?? '') ?? [];
  const location = answer.header('location');
  const sent = last === undefined || last === '0' ? 0 : Number(last) + 1;
  return { sent, place: location === undefined ? place : push.registry.resolve(location) };
}

type Sent = Omit<Parameters<Registry['send']>[0], 'scope' | 'signal'>;

const send = ({ registry, reference, mountFrom, signal }: Push, request: Sent) => {
  const own = `repository:${reference.repository}:pull,push`;
  const scope = mountFrom === undefined ? own : `${own} repository:${mountFrom}:pull`;
  return registry.send({ ...request, scope, signal });
};

const bodyOf = (bytes: Buffer): Body => ({ sizeBytes: bytes.length, open: () => once(bytes) });

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
