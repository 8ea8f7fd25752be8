/** One HTTP request, with its answer as a stream. No redirects, no retries: those are decided above. */
import { type ClientRequest, Agent as HttpAgent, type IncomingMessage, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { VoltError } from '@volt/shared/errors';

/** A server that sends and takes nothing for so long is given up. */
const IDLE_MS = 30_000;
const SOCKETS_MAX = 8;

export interface Body {
  readonly sizeBytes: number;
  /** Called once for each attempt. */
  readonly open: () => AsyncIterable<Uint8Array>;
}

export interface HttpRequest {
  readonly method: string;
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  readonly signal: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  header(name: string): string | undefined;
  /** Must be read, or given up with `discard`. Throws NETWORK where the line breaks. */
  readonly body: AsyncIterable<Uint8Array>;
  discard(): void;
}

export interface HttpClient {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

export interface HttpOptions {
  /** PEM, in place of the CAs that everybody trusts. */
  readonly ca?: string | undefined;
  readonly idleMs?: number | undefined;
}

export function openHttp({ ca, idleMs = IDLE_MS }: HttpOptions = {}): HttpClient {
  // Proxies are those of the environment, as for other programs.
  const options = { keepAlive: true, maxSockets: SOCKETS_MAX, proxyEnv: process.env };
  const plain = new HttpAgent(options);
  const tls = new HttpsAgent({ ...options, ca });
  return {
    send: async (request) => {
      const { url, method, headers, body, signal } = request;
      signal.throwIfAborted();
      const isTls = url.protocol === 'https:';
      const length = body === undefined ? {} : { 'content-length': String(body.sizeBytes) };
      const common = { method, headers: { ...headers, ...length }, signal };
      const sent = isTls ? httpsRequest(url, { ...common, agent: tls }) : httpRequest(url, { ...common, agent: plain });
      sent.setTimeout(idleMs, () => sent.destroy(new VoltError('NETWORK', `${url.host} is silent`)));
      return answerTo(sent, request);
    },
    close: () => {
      plain.destroy();
      tls.destroy();
    },
  };
}

async function answerTo(sent: ClientRequest, { url, body, signal }: HttpRequest): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  sent.once('response', resolve).on('error', reject);
  if (body === undefined) sent.end();
  // An answer may come before all is sent: a refusal, for instance.
  else void pipeline(Readable.from(body.open(), { objectMode: false }), sent).catch(reject);
  try {
    const answer = await promise;
    answer.on('error', () => {});
    return {
      status: answer.statusCode ?? 0,
      header: (name) => {
        const value = answer.headers[name];
        return Array.isArray(value) ? value.join(', ') : value;
      },
      body: translated(answer, url, signal),
      // What is short is read to its end, so that the line can be used again.
      discard: () => void (isShort(answer, sent.method) ? answer.resume() : answer.destroy()),
    };
  } catch (thrown) {
    throw translate(thrown, url, signal);
  }
}

async function* translated(answer: IncomingMessage, url: URL, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (thrown) {
    throw translate(thrown, url, signal);
  }
  if (!answer.complete) throw new VoltError('NETWORK', `${url.host} broke off`);
}

const SHORT_BYTES_MAX = 16 * 1024;

const isShort = ({ headers }: IncomingMessage, method: string): boolean =>
  method === 'HEAD' || Number(headers['content-length'] ?? SHORT_BYTES_MAX + 1) <= SHORT_BYTES_MAX;

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_|ERR_TLS|ALTNAME/;

function translate(thrown: unknown, url: URL, signal: AbortSignal): unknown {
  if (signal.aborted) return signal.reason;
  if (thrown instanceof VoltError || !(thrown instanceof Error)) return thrown;
  const code = 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : '';
  if (CERTIFICATE.test(code)) {
    return new VoltError('INVALID_CONFIG', `${url.host} shows a certificate that is not trusted: ${code}`, {
      hint: 'name its CA in /etc/volt/registries.yaml, under ca',
      cause: thrown,
    });
  }
  if (code === 'EPROTO' || code.startsWith('ERR_SSL')) {
    return new VoltError('INVALID_CONFIG', `${url.host} does not speak TLS`, {
      hint: 'if it is meant to be so, say insecure: true in /etc/volt/registries.yaml',
      cause: thrown,
    });
  }
  return new VoltError('NETWORK', `${url.host} cannot be reached: ${code || thrown.message}`, { cause: thrown });
}

/** All of a small answer. Throws NETWORK where it is larger than it may be. */
export async function readAll(answer: HttpAnswer, bytesMax: number): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer.body) {
    length += chunk.byteLength;
    if (length > bytesMax) {
      answer.discard();
      throw new VoltError('NETWORK', `An answer is larger than ${bytesMax} bytes`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}
