/**
 * Join tokens: `volt1.` and base64url of a small JSON object. A token names
 * the controllers and the fingerprint of their CA, so that a machine can tell
 * them from impostors before it says anything, and carries a secret that lets
 * it in. It serves any number of machines until it expires.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';

const PREFIX = 'volt1.';
/** As in the method table: enough for three controllers, and nothing that strains a command line. */
const TOKEN_CHARACTERS_MAX = 1000;
const CONTROLLERS_MAX = 3;

const Payload = z.strictObject({
  c: z
    .array(z.string().regex(/^\d{1,3}(?:\.\d{1,3}){3}:\d{1,5}$/))
    .min(1)
    .max(CONTROLLERS_MAX),
  f: z.string().regex(/^[0-9a-f]{64}$/),
  i: z.string().regex(/^[a-z0-9]{8,32}$/),
  s: z.string().regex(/^[A-Za-z0-9_-]{43}$/),
  e: z.int().min(0).max(8_640_000_000_000),
});

export interface JoinToken {
  /** `address:port` of each controller known when it was made. */
  readonly controllers: readonly string[];
  /** SHA-256 of the CA's certificate. */
  readonly fingerprint: string;
  readonly id: string;
  readonly secret: string;
  readonly expiresAt: Date;
}

/** A token with an id and a secret of its own. 256 bits cannot be guessed, so wrong ones need no counting. */
export function makeToken(from: Pick<JoinToken, 'controllers' | 'fingerprint' | 'expiresAt'>): JoinToken {
  return {
    ...from,
    controllers: from.controllers.slice(0, CONTROLLERS_MAX),
    id: randomBytes(8).toString('hex'),
    secret: randomBytes(32).toString('base64url'),
  };
}

export function writeToken({ controllers, fingerprint, id, secret, expiresAt }: JoinToken): string {
  const payload = { c: controllers, f: fingerprint, i: id, s: secret, e: Math.floor(expiresAt.getTime() / 1000) };
  return PREFIX + Buffer.from(JSON.stringify(payload)).toString('base64url');
}

/** Throws USAGE for anything that is not whole. The message never repeats the token. */
export function readToken(text: string): JoinToken {
  const body = text.slice(PREFIX.length);
  const isWellFormed =
    text.startsWith(PREFIX) && /^[A-Za-z0-9_-]{20,}$/.test(body) && body.length <= TOKEN_CHARACTERS_MAX;
  if (!isWellFormed) throw damaged();
  const payload = Payload.safeParse(parse(Buffer.from(body, 'base64url').toString('utf8')));
  if (!payload.success) throw damaged();
  const { c, f, i, s, e } = payload.data;
  return { controllers: c, fingerprint: f, id: i, secret: s, expiresAt: new Date(e * 1000) };
}

/** What the cluster keeps of a secret. */
export const hashSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

/** Takes the same time whatever the difference is. */
export const isSecretOf = (secretHash: string, secret: string): boolean =>
  timingSafeEqual(Buffer.from(hashSecret(secret), 'hex'), Buffer.from(secretHash, 'hex'));

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}

const damaged = (): VoltError =>
  new VoltError('USAGE', 'The join token is damaged or incomplete', { hint: 'volt cluster token, on a controller' });
