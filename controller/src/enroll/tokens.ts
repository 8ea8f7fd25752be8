/** Making join tokens, and telling good ones from bad ones. */
import { VoltError } from '@volt/shared/errors';
import {
  fingerprintOf,
  hashSecret,
  isSecretOf,
  makeToken,
  readToken,
  writeToken,
  type JoinToken,
} from '@volt/shared/pki';
import type { TokenRecord } from '@volt/shared/model';
import type { EnrollPorts } from './ports.ts';

/** Live tokens at one time; nobody needs more, and the store stays small. */
export const TOKENS_MAX = 256;

const hint = 'make a fresh one on a controller: volt cluster token';

export interface TokenRequest {
  readonly ttl: number;
  readonly role: 'auto' | 'agent';
}

/** A token for any number of machines until it expires. Expired ones are forgotten on the way. */
export async function issueToken(
  { identity, tokens, now }: EnrollPorts,
  { ttl, role }: TokenRequest,
): Promise<{ join: string; expiresAt: string }> {
  const live = await forgetExpired({ tokens, now });
  if (live >= TOKENS_MAX) throw new VoltError('RESOURCE', `There are ${TOKENS_MAX} join tokens already`);
  const token = makeToken({
    controllers: identity.config.controllers,
    fingerprint: fingerprintOf(identity.ca),
    expiresAt: wholeSeconds(now().getTime() + ttl * 1000),
  });
  const expiresAt = token.expiresAt.toISOString();
  const secretHash = hashSecret(token.secret);
  await tokens.put(token.id, { secretHash, mayBeController: role === 'auto', expiresAt });
  return { join: writeToken(token), expiresAt };
}

/**
 * What the cluster knows of a shown token. PERMISSION unless it was made here,
 * its secret is right and its time has not passed; an unknown token and a
 * wrong secret get the same answer.
 */
export async function checkToken({ identity, tokens, now }: EnrollPorts, text: string): Promise<TokenRecord> {
  const token = readToken(text);
  if (token.fingerprint !== fingerprintOf(identity.ca)) {
    throw new VoltError('PERMISSION', 'The join token is for another cluster', { hint });
  }
  const record = await tokens.get(token.id);
  if (record === undefined) throw isOver(token, now()) ? expired() : unknown();
  if (!isSecretOf(record.secretHash, token.secret)) throw unknown();
  if (Date.parse(record.expiresAt) <= now().getTime()) throw expired();
  return record;
}

/** How many are left. */
async function forgetExpired({ tokens, now }: Pick<EnrollPorts, 'tokens' | 'now'>): Promise<number> {
  const known = await tokens.list();
  const isOver = ({ token }: (typeof known)[number]) => Date.parse(token.expiresAt) <= now().getTime();
  await Promise.all(known.filter(isOver).map(({ id }) => tokens.delete(id)));
  return known.filter((entry) => !isOver(entry)).length;
}

/** By its own word, which only serves to choose the kinder of two refusals. */
const isOver = (token: JoinToken, now: Date): boolean => token.expiresAt.getTime() <= now.getTime();

const expired = (): VoltError => new VoltError('PERMISSION', 'The join token has expired', { hint });
const unknown = (): VoltError => new VoltError('PERMISSION', 'The join token is not valid here', { hint });

const wholeSeconds = (ms: number): Date => new Date(Math.floor(ms / 1000) * 1000);
