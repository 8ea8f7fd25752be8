/**
 * Serves Debian packages to the nodes, from the host's own mirror. GET and
 * HEAD of two trees; what never changes comes from the cache.
 */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Agent, createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { Agent as TlsAgent, get as getTls } from 'node:https';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Mirrors } from '../apt-sources.ts';
import { FileCache } from './cache.ts';
import { sourceOf } from './policy.ts';

const REDIRECTS_MAX = 5;
const UPSTREAM_IDLE_MS = 30_000;
const UPSTREAM_CONNECTIONS_MAX = 16;

/** An answer of the mirror that is not the file. Passed on to the node as it is. */
class UpstreamError extends Error {
  readonly status: number;

  constructor(status: number, url: string) {
    super(`${url}: status ${status}`);
    this.status = status;
  }
}

export function packageServer(mirrors: Mirrors, cacheFolder: string): Server {
  const upstream = new Upstream(mirrors.proxy);
  const cache = new FileCache({ folder: cacheFolder, open: (url) => upstream.openFile(url) });
  return createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      const status = error instanceof UpstreamError ? error.status : 502;
      if (response.headersSent) response.destroy();
      else response.writeHead(status, { 'content-type': 'text/plain' }).end(`${String(error)}\n`);
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const source = sourceOf(request.url ?? '', mirrors);
    if (source === undefined) return void response.writeHead(403).end();
    if (request.method !== 'GET' && request.method !== 'HEAD') return void response.writeHead(405).end();

    if (source.isImmutable) return sendFile(await cache.obtain(source.url), request, response);
    const { 'if-modified-since': since } = request.headers;
    const answer = await upstream.open(source.url, since === undefined ? {} : { 'if-modified-since': since });
    response.writeHead(answer.statusCode ?? 502, passedOn(answer));
    if (request.method === 'HEAD') {
      answer.destroy();
      return void response.end();
    }
    await pipeline(answer, response);
  }
}

async function sendFile(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { size } = await stat(path);
  response.writeHead(200, { 'content-length': size, 'content-type': 'application/octet-stream' });
  if (request.method === 'HEAD') return void response.end();
  await pipeline(createReadStream(path), response);
}

function passedOn(answer: IncomingMessage): Record<string, string> {
  const names = ['content-length', 'content-type', 'last-modified'] as const;
  return Object.fromEntries(names.flatMap((name) => (answer.headers[name] ? [[name, answer.headers[name]]] : [])));
}

/** The mirror, reached the way the host's apt reaches it. */
class Upstream {
  readonly #plain: Agent;
  readonly #tls: TlsAgent;

  constructor(proxy: string | undefined) {
    const options = {
      keepAlive: true,
      maxSockets: UPSTREAM_CONNECTIONS_MAX,
      proxyEnv: proxy === undefined ? process.env : { ...process.env, http_proxy: proxy, https_proxy: proxy },
    };
    this.#plain = new Agent(options);
    this.#tls = new TlsAgent(options);
  }

  async openFile(url: string): Promise<{ body: Readable; length: number | undefined }> {
    const answer = await this.open(url, {});
    if (answer.statusCode !== 200) {
      answer.destroy();
      throw new UpstreamError(answer.statusCode ?? 502, url);
    }
    const length = answer.headers['content-length'];
    return { body: answer, length: length === undefined ? undefined : Number(length) };
  }

  /** The mirror's answer, whatever its status; redirects are followed. */
  async open(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
    let next = url;
    for (let hop = 0; hop <= REDIRECTS_MAX; hop += 1) {
      const answer = await this.#ask(next, headers);
      const location = answer.headers.location;
      if (location === undefined || (answer.statusCode ?? 0) < 301 || (answer.statusCode ?? 0) > 308) return answer;
      answer.destroy();
      next = new URL(location, next).href;
    }
    throw new UpstreamError(508, url);
  }

  #ask(url: string, headers: Record<string, string>): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isTls = url.startsWith('https:');
      const options = { headers, agent: isTls ? this.#tls : this.#plain, timeout: UPSTREAM_IDLE_MS };
      const request = isTls ? getTls(url, options, resolve) : get(url, options, resolve);
      request.on('timeout', () => request.destroy(new Error(`${url}: no answer for ${UPSTREAM_IDLE_MS} ms`)));
      request.on('error', reject);
    });
  }
}
