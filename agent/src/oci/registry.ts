/**
 * One registry, by the OCI distribution specification: requests that carry
 * who is asking, follow redirects, and are tried again where that can help.
 *
 * Credentials go to the registry and to the token service it names, never to
 * where it redirects.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import { type Body, type HttpAnswer, type HttpClient, openHttp, readAll } from './http.ts';
import { denied, parseChallenge, RegistryAuth } from './registry-auth.ts';
import type { RegistrySettings } from './registry-schemas.ts';
import { apiHostOf } from './remote-reference.ts';

const ATTEMPTS_MAX = 5;
const RETRY_MS = 500;
const RETRY_AFTER_SECONDS_MAX = 30;
const REDIRECTS_MAX = 5;
const REASON_BYTES_MAX = 64 * 1024;
const REASON_CHARS_MAX = 200;

const retried = new Set([408, 429, 500, 502, 503, 504]);

export interface RegistryOptions {
  /** As people call it. */
  readonly host: string;
  /** Where it answers, if elsewhere: a mirror. */
  readonly base?: URL | undefined;
  readonly settings: RegistrySettings;
  readonly ca?: string | undefined;
  /** The first wait before another attempt; it doubles. */
  readonly retryMs?: number | undefined;
}

export interface RegistryRequest {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PATCH' | 'PUT';
  /** Below the address of the registry, or a whole one that it gave. */
  readonly path: string | URL;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Body | undefined;
  /** What the request is for, in the words of token services. */
  readonly scope: string;
  /** Answers that are no failure. */
  readonly expect: readonly number[];
  readonly signal: AbortSignal;
}

export class Registry implements Disposable {
  readonly host: string;
  readonly #base: URL;
  readonly #http: HttpClient;
  readonly #auth: RegistryAuth;
  readonly #settings: RegistrySettings;
  readonly #retryMs: number;

  constructor({ host, base, settings, ca, retryMs = RETRY_MS }: RegistryOptions) {
    this.host = base?.host ?? host;
    this.#base = base ?? new URL(`${settings.insecure ? 'http' : 'https'}://${apiHostOf(host)}`);
    this.#settings = settings;
    this.#http = openHttp({ ca });
    this.#auth = new RegistryAuth({ http: this.#http, host: this.host, settings, now: () => Date.now() });
    this.#retryMs = retryMs;
  }

  [Symbol.dispose](): void {
    this.#http.close();
  }

  /** PERMISSION unless these credentials are taken, or none are needed. */
  async ping(signal: AbortSignal): Promise<void> {
    const answer = await this.send({ method: 'GET', path: '/v2/', scope: '', expect: [200], signal });
    answer.discard();
  }

  /**
   * Resolves with an answer that is expected. NOT_FOUND for 404, PERMISSION
   * where the registry refuses, NETWORK for all that more attempts did not help.
   */
  async send(request: RegistryRequest): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt++) {
      const outcome = await this.#attempt(request).catch((thrown: unknown) => {
        if (attempt >= ATTEMPTS_MAX || !(thrown instanceof VoltError) || thrown.code !== 'NETWORK') throw thrown;
        return undefined;
      });
      if (outcome !== undefined && (!retried.has(outcome.status) || request.expect.includes(outcome.status))) {
        return this.#expected(outcome, request);
      }
      if (outcome !== undefined && attempt >= ATTEMPTS_MAX) return this.#expected(outcome, request);
      const waitMs = waitOf(outcome, this.#retryMs * 2 ** (attempt - 1));
      outcome?.discard();
      await delay(waitMs, undefined, { signal: request.signal });
    }
  }

  /** An address that the registry gave, relative or not. Throws where it is less safe than the registry itself. */
  resolve(location: string | undefined, from: URL = this.#base): URL {
    if (location === undefined || !URL.canParse(location, from)) throw this.#odd('it names no address to go on');
    const url = new URL(location, from);
    if (url.protocol === 'https:' || (url.protocol === 'http:' && this.#settings.insecure)) return url;
    throw this.#odd('it leads away from https');
  }

  async #attempt(request: RegistryRequest): Promise<HttpAnswer> {
    const { scope, signal } = request;
    const first = await this.#follow(request, this.#auth.headerFor(scope));
    if (first.status !== 401) return first;
    const challenge = parseChallenge(first.header('www-authenticate') ?? '');
    first.discard();
    const header = await this.#auth.answer(challenge, scope, signal);
    const second = await this.#follow(request, header);
    if (second.status !== 401) return second;
    second.discard();
    const { username, identity } = this.#settings;
    throw denied(this.host, (username ?? identity) ? 'the credentials are not taken' : 'it wants a login');
  }

  async #follow(request: RegistryRequest, authorization: string | undefined): Promise<HttpAnswer> {
    const { method, path, headers = {}, body, signal } = request;
    let url = typeof path === 'string' ? this.#below(path) : path;
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const isOwn = url.origin === this.#base.origin;
      const own: Record<string, string> = isOwn && authorization !== undefined ? { authorization } : {};
      const answer = await this.#http.send({ method, url, headers: { ...headers, ...own }, body, signal });
      const isRedirect = [301, 302, 303, 307, 308].includes(answer.status);
      if (!isRedirect || (method !== 'GET' && method !== 'HEAD')) return answer;
      const location = answer.header('location');
      answer.discard();
      url = this.resolve(location, url);
    }
    throw this.#odd(`it redirects more than ${REDIRECTS_MAX} times`);
  }

  #below(path: string): URL {
    const prefix = this.#base.pathname.replace(/\/$/, '');
    return new URL(`${prefix}${path}`, this.#base);
  }

  async #expected(answer: HttpAnswer, { expect, method, path }: RegistryRequest): Promise<HttpAnswer> {
    if (expect.includes(answer.status)) return answer;
    const reason = method === 'HEAD' ? '' : await reasonOf(answer);
    if (method === 'HEAD') answer.discard();
    const what = `${method} ${typeof path === 'string' ? path : path.pathname}`;
    if (answer.status === 404) throw new VoltError('NOT_FOUND', `Registry ${this.host} has no ${what}${reason}`);
    if (answer.status === 401 || answer.status === 403) throw denied(this.host, `${what}${reason}`);
    throw new VoltError('NETWORK', `Registry ${this.host} answers ${answer.status} to ${what}${reason}`);
  }

  #odd(why: string): VoltError {
    return new VoltError('DEPENDENCY', `Registry ${this.host} does not keep to the rules: ${why}`);
  }
}

function waitOf(answer: HttpAnswer | undefined, otherwiseMs: number): number {
  const seconds = Number(answer?.header('retry-after') ?? Number.NaN);
  if (seconds >= 0) return Math.min(seconds, RETRY_AFTER_SECONDS_MAX) * 1000;
  // Not all at the same moment, where many nodes pull the same.
  return otherwiseMs * (0.5 + Math.random() / 2);
}

/** What a registry says of a failure, ready to follow a colon. */
async function reasonOf(answer: HttpAnswer): Promise<string> {
  try {
    const { errors } = JSON.parse((await readAll(answer, REASON_BYTES_MAX)).toString('utf8')) as {
      errors?: { message?: unknown }[];
    };
    const message = errors?.[0]?.message;
    return typeof message === 'string' && message !== '' ? `: ${message.slice(0, REASON_CHARS_MAX)}` : '';
  } catch {
    return '';
  }
}
