/** For tests: a registry in memory that can be made to misbehave. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { sha256, type Blob, type TestImage, blobsOf } from './images.ts';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
}

export interface FakeRegistry {
  /** As in a reference. */
  readonly host: string;
  readonly blobs: Map<string, Buffer>;
  readonly manifests: Map<string, Blob>;
  readonly seen: Seen[];
  /** Answers in place of the registry when it returns true. */
  interfere: (request: Seen, response: ServerResponse) => boolean;
  /** Wants this as the Authorization of every request. */
  wants: string | undefined;
  challenge: string;
  /** A blob is found under this address instead. */
  redirectTo: string | undefined;
  put(image: TestImage, name: string): string;
}

export async function fakeRegistry(): Promise<FakeRegistry> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const registry: FakeRegistry = {
    host,
    blobs: new Map(),
    manifests: new Map(),
    seen: [],
    interfere: () => false,
    wants: undefined,
    challenge: '',
    redirectTo: undefined,
    put: (image, name) => {
      for (const { bytes } of blobsOf(image)) registry.blobs.set(sha256(bytes), bytes);
      const digest = sha256(image.manifest.bytes);
      for (const key of [name, digest]) registry.manifests.set(key, image.manifest);
      return digest;
    },
  };
  const uploads = new Map<string, Buffer>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    void bodyOf(request).then((body) => answer(registry, uploads, { request, response, body }));
  });
  return registry;
}

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
}

function answer(registry: FakeRegistry, uploads: Map<string, Buffer>, { request, response, body }: Exchange): void {
  const { method = '', url = '', headers } = request;
  const { pathname, searchParams } = new URL(url, 'http://registry');
  const seen = { method, path: url, headers };
  registry.seen.push(seen);
  if (registry.interfere(seen, response)) return;
  if (registry.wants !== undefined && headers.authorization !== registry.wants) {
    return end(response, 401, { 'www-authenticate': registry.challenge });
  }
  const [, kind = '', key = ''] = /^\/v2\/[a-z0-9/]+?\/(manifests|blobs\/uploads|blobs)\/(.*)$/.exec(pathname) ?? [];
  if (pathname === '/v2/') return end(response, 200);
  if (kind === 'manifests') return manifest(registry, key, { request, response, body });
  if (kind === 'blobs') return blob(registry, key, { request, response, body });
  if (kind !== 'blobs/uploads') return end(response, 404);
  const mount = searchParams.get('mount') ?? '';
  if (method === 'POST' && searchParams.has('from') && registry.blobs.has(mount)) return end(response, 201);
  if (method === 'POST') {
    const id = String(uploads.size);
    uploads.set(id, Buffer.alloc(0));
    return end(response, 202, { location: `/v2/x/blobs/uploads/${id}?state=a` });
  }
  const have = uploads.get(key) ?? Buffer.alloc(0);
  if (method === 'PATCH') {
    if (!String(headers['content-range']).startsWith(`${have.length}-`)) return end(response, 416);
    uploads.set(key, Buffer.concat([have, body]));
    return end(response, 202, { location: `/v2/x/blobs/uploads/${key}?state=b` });
  }
  if (method === 'GET') return end(response, 204, { range: `0-${Math.max(have.length - 1, 0)}`, location: url });
  const digest = searchParams.get('digest') ?? '';
  if (sha256(have) !== digest) return end(response, 400, {}, '{"errors":[{"message":"digest invalid"}]}');
  registry.blobs.set(digest, have);
  return end(response, 201);
}

function manifest(registry: FakeRegistry, key: string, { request, response, body }: Exchange): void {
  if (request.method === 'PUT') {
    const stored = { mediaType: String(request.headers['content-type']), bytes: body };
    for (const name of [key, sha256(body)]) registry.manifests.set(name, stored);
    return end(response, 201, { 'docker-content-digest': sha256(body) });
  }
  const found = registry.manifests.get(key);
  if (found === undefined) return end(response, 404, {}, '{"errors":[{"message":"manifest unknown"}]}');
  return end(response, 200, { 'content-type': found.mediaType }, found.bytes);
}

function blob(registry: FakeRegistry, key: string, { request, response }: Exchange): void {
  const found = registry.blobs.get(key);
  if (found === undefined) return end(response, 404);
  if (request.method === 'HEAD') return end(response, 200);
  if (registry.redirectTo !== undefined) return end(response, 307, { location: `${registry.redirectTo}${key}` });
  const [, from] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? [];
  if (from === undefined) return end(response, 200, {}, found);
  const range = `bytes ${from}-${found.length - 1}/${found.length}`;
  return end(response, 206, { 'content-range': range }, found.subarray(Number(from)));
}

function end(response: ServerResponse, status: number, headers = {}, body: Buffer | string = ''): void {
  response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers }).end(body);
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of request) parts.push(chunk as Buffer);
  return Buffer.concat(parts);
}
