/**
 * How a registry wants to be told who is asking: not at all, by name and
 * password, or by a token of another service.
 */
import { VoltError } from '@volt/shared/errors';
import { type HttpClient, readAll } from './http.ts';
import { type RegistrySettings, TokenAnswer } from './registry-schemas.ts';

export interface Challenge {
  readonly scheme: 'basic' | 'bearer';
  readonly params: Readonly<Record<string, string>>;
}

const ANSWER_BYTES_MAX = 1024 * 1024;
const HEADER_CHARS_MAX = 8192;
/** As the specification of tokens says, where none is given. */
const TOKEN_SECONDS = 60;
/** So that one does not run out on its way. */
const TOKEN_SPARE_SECONDS = 10;

/** Reads WWW-Authenticate; a bearer challenge wins over a basic one. Undefined where there is neither. */
export function parseChallenge(header: string): Challenge | undefined {
  const text = header.slice(0, HEADER_CHARS_MAX);
  const found: Challenge[] = [];
  for (const [, scheme = '', rest = ''] of text.matchAll(
    /(?:^|,\s*)(basic|bearer)(?:\s+|$)([^]*?)(?=,\s*(?:basic|bearer)\s|$)/gi,
  )) {
    const params: Record<string, string> = {};
    for (const [, key = '', quoted, plain] of rest.matchAll(/([a-z_]+)\s*=\s*(?:"([^"]*)"|([^\s,"]+))/gi)) {
      params[key.toLowerCase()] = quoted ?? plain ?? '';
    }
    found.push({ scheme: scheme.toLowerCase() as Challenge['scheme'], params });
  }
  return found.find(({ scheme }) => scheme === 'bearer') ?? found[0];
}

export interface AuthOptions {
  readonly http: HttpClient;
  readonly host: string;
  readonly settings: RegistrySettings;
  readonly now: () => number;
}

export class RegistryAuth {
  readonly #options: AuthOptions;
  /** What to send for a scope, and until when. */
  readonly #known = new Map<string, { readonly header: string; readonly untilMs: number }>();

  constructor(options: AuthOptions) {
    this.#options = options;
  }

  /** The Authorization header that worked for this scope, if there is one yet. */
  headerFor(scope: string): string | undefined {
    const known = this.#known.get(scope);
    return known !== undefined && known.untilMs > this.#options.now() ? known.header : undefined;
  }

  /** Answers a challenge. PERMISSION where it cannot be answered. */
  async answer(challenge: Challenge | undefined, scope: string, signal: AbortSignal): Promise<string> {
    const { host, settings, now } = this.#options;
    if (challenge === undefined) throw denied(host, 'it does not say how to log in');
    if (challenge.scheme === 'basic') {
      if (settings.username === undefined) throw denied(host, 'it wants a login');
      const header = basic(settings.username, settings.password ?? '');
      this.#known.set(scope, { header, untilMs: Infinity });
      return header;
    }
    const { token, seconds } = await this.#fetchToken(challenge, scope, signal);
    const header = `Bearer ${token}`;
    this.#known.set(scope, { header, untilMs: now() + (seconds - TOKEN_SPARE_SECONDS) * 1000 });
    return header;
  }

  async #fetchToken(
    { params }: Challenge,
    scope: string,
    signal: AbortSignal,
  ): Promise<{ token: string; seconds: number }> {
    const { http, host, settings } = this.#options;
    const url = this.#realm(params['realm']);
    const service = params['service'];
    const answer =
      settings.identity === undefined
        ? await http.send({
            method: 'GET',
            url: withQuery(url, { service, scope }),
            headers: this.#basicHeader(),
            signal,
          })
        : await http.send({ ...form(url, { service, scope, refresh_token: settings.identity }), signal });
    const bytes = await readAll(answer, ANSWER_BYTES_MAX);
    if (answer.status !== 200) throw denied(host, `its token service answers ${answer.status}`);
    const parsed = TokenAnswer.safeParse(parseJson(bytes));
    const token = parsed.data?.token ?? parsed.data?.access_token;
    if (token === undefined || !/^[\x21-\x7e]+$/.test(token)) throw denied(host, 'its token service gives no token');
    return { token, seconds: Math.max(parsed.data?.expires_in ?? TOKEN_SECONDS, TOKEN_SECONDS) };
  }

  #basicHeader(): Record<string, string> {
    const { username, password = '' } = this.#options.settings;
    return username === undefined ? {} : { authorization: basic(username, password) };
  }

  /** Credentials go where the registry says, but not in the clear unless the registry itself is reached so. */
  #realm(realm: string | undefined): URL {
    const { host, settings } = this.#options;
    const url = realm !== undefined && URL.canParse(realm) ? new URL(realm) : undefined;
    const isFine = url?.protocol === 'https:' || (url?.protocol === 'http:' && settings.insecure);
    if (url === undefined || !isFine) throw denied(host, 'its token service has no https address');
    return url;
  }
}

function withQuery(url: URL, query: Record<string, string | undefined>): URL {
  const whole = new URL(url);
  for (const [key, value] of Object.entries(query))
    for (const word of value?.split(' ') ?? []) whole.searchParams.append(key, word);
  return whole;
}

function form(url: URL, fields: Record<string, string | undefined>) {
  const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'volt' });
  for (const [key, value] of Object.entries(fields)) if (value) body.set(key, value);
  const bytes = Buffer.from(body.toString());
  return {
    method: 'POST',
    url,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: { sizeBytes: bytes.length, open: () => once(bytes) },
  };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

const basic = (username: string, password: string): string =>
  `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;

function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

export const denied = (host: string, why: string): VoltError =>
  new VoltError('PERMISSION', `Registry ${host} refuses: ${why}`, { hint: `volt registry login ${host}` });
