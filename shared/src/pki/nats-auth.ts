/**
 * Who may enter the cluster's NATS: operator mode, where an account's key signs
 * a JWT for each user and no server keeps a list of them. A node can so be
 * taken in, with permissions of its own, without touching any server.
 */
import { createPublicKey } from 'node:crypto';
import { encodeAccount, encodeOperator, encodeUser } from '@nats-io/jwt';
import { createAccount, createOperator, createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { z } from 'zod';
import { VoltError } from '../errors/index.ts';
import { CERTIFICATE_DAYS, issue, makeAuthority, makeKey } from './certificates.ts';

const DAY_SECONDS = 86_400;
const UNLIMITED = -1;

/** Private; held by controllers only. The three JWTs are public and part of every server's configuration. */
export const NatsAuthority = z.strictObject({
  operator: z.string(),
  account: z.string(),
  systemAccount: z.string(),
  accountKey: z.string(),
  systemAccountKey: z.string(),
  operatorSeed: z.string(),
  accountSeed: z.string(),
  systemAccountSeed: z.string(),
  /**
   * A CA of its own for routes between servers. A route may say anything in any
   * account's name, and every node has a certificate of the cluster's CA.
   */
  routes: z.strictObject({ certificate: z.string(), key: z.string() }),
});
export type NatsAuthority = z.output<typeof NatsAuthority>;

/** Allow lists of subjects. */
export interface SubjectLists {
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

export async function makeNatsAuthority(cluster: string, now: Date): Promise<NatsAuthority> {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
  const shared = { conn: UNLIMITED, subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
  const trade = { imports: 0, exports: 0, leaf: 0, wildcards: true, disallow_bearer: true };
  const storage = { mem_storage: UNLIMITED, disk_storage: UNLIMITED, streams: UNLIMITED, consumer: UNLIMITED };
  const signer = { signer: operator };
  return {
    operator: await encodeOperator(cluster, operator, { system_account: system.getPublicKey() }),
    account: await encodeAccount(cluster, account, { limits: { ...shared, ...trade, ...storage } }, signer),
    systemAccount: await encodeAccount('SYS', system, { limits: { ...shared, ...trade } }, signer),
    accountKey: account.getPublicKey(),
    systemAccountKey: system.getPublicKey(),
    operatorSeed: seedOf(operator),
    accountSeed: seedOf(account),
    systemAccountSeed: seedOf(system),
    routes: makeAuthority(cluster, now),
  };
}

export const writeNatsAuthority = (authority: NatsAuthority): string => `${JSON.stringify(authority, null, 2)}\n`;

export function readNatsAuthority(text: string, path: string): NatsAuthority {
  try {
    return NatsAuthority.parse(JSON.parse(text));
  } catch {
    // The cause would carry the seeds.
    throw new VoltError('INVALID_CONFIG', `'${path}' is not a NATS authority`);
  }
}

export interface UserKey {
  readonly publicKey: string;
  /** Private. Made on the machine that uses it, and never sent. */
  readonly seed: string;
}

export function makeUserKey(): UserKey {
  const user = createUser();
  return { publicKey: user.getPublicKey(), seed: seedOf(user) };
}

/** Throws INVALID_CONFIG for a text that is no user's seed. */
export function userKeyOf(seed: string): UserKey {
  try {
    const publicKey = fromSeed(new TextEncoder().encode(seed.trim())).getPublicKey();
    if (publicKey.startsWith('U')) return { publicKey, seed: seed.trim() };
  } catch {
    // The cause could carry the seed.
  }
  throw new VoltError('INVALID_CONFIG', 'Not the seed of a NATS user');
}

export interface UserGrant {
  readonly name: string;
  readonly publicKey: string;
  readonly permissions: SubjectLists;
}

/** A JWT that lets the owner of a key into the cluster's account, and no further than its permissions. */
export function signUser(
  authority: NatsAuthority,
  { name, publicKey, permissions }: UserGrant,
  now: Date,
): Promise<string> {
  const account = fromSeed(new TextEncoder().encode(authority.accountSeed));
  return encodeUser(
    name,
    fromPublic(publicKey),
    account,
    { pub: { allow: [...permissions.publish] }, sub: { allow: [...permissions.subscribe] } },
    { exp: expiry(now) },
  );
}

/** What a controller's NATS server shows to the others: texts of the files of the same names. */
export function routeFiles(
  { routes }: NatsAuthority,
  { node, address }: { node: string; address: string },
  now: Date,
): { routesAuthority: string; routesCertificate: string; routesKey: string } {
  const routesKey = makeKey();
  const subject = { name: node, roles: ['controller'] as const, addresses: [address] };
  const routesCertificate = issue(routes, createPublicKey(routesKey), subject, now);
  return { routesAuthority: routes.certificate, routesCertificate, routesKey };
}

/** Credentials for the system account: for a controller that looks after the servers. Kept in memory only. */
export async function systemCredentials(authority: NatsAuthority, now: Date): Promise<string> {
  const account = fromSeed(new TextEncoder().encode(authority.systemAccountSeed));
  const user = makeUserKey();
  const jwt = await encodeUser('volt-system', fromPublic(user.publicKey), account, {}, { exp: expiry(now) });
  return credentialsText(jwt, user.seed);
}

/** A .creds file, as every NATS client reads it. */
export const credentialsText = (jwt: string, seed: string): string =>
  [
    '-----BEGIN NATS USER JWT-----',
    jwt,
    '------END NATS USER JWT------',
    '',
    '-----BEGIN USER NKEY SEED-----',
    seed,
    '------END USER NKEY SEED------',
    '',
  ].join('\n');

/** Credentials live as long as the certificate that is needed beside them. */
const expiry = (now: Date): number => Math.floor(now.getTime() / 1000) + CERTIFICATE_DAYS * DAY_SECONDS;

const seedOf = (pair: { getSeed(): Uint8Array }): string => new TextDecoder().decode(pair.getSeed());
