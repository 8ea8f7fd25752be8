/**
 * Who may enter the cluster's NATS: operator mode, where a key of the account
 * signs a JWT for each user and no server keeps a list of them. A node can so
 * be taken in without touching any server.
 *
 * What a role may do is not in the users' JWTs but in the account's, once for
 * each role, with the node's name left open: a release that needs another
 * subject changes one JWT, and no node has to be given new credentials.
 */
import { createPublicKey } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  decode,
  encodeAccount,
  encodeOperator,
  encodeUser,
  newScopedSigner,
  type Account,
  type RevocationList,
} from '@nats-io/jwt';
import { createAccount, createOperator, createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import * as z from 'zod';
import { VoltError } from '../errors/index.ts';
import { issue, makeAuthority, termOf, type Term } from './certificates.ts';

const UNLIMITED = -1;
/** The server puts the user's name here, which is the node's. It replaces whole tokens of a subject only. */
const OWN_NAME = '{{name()}}';

export type NatsRole = 'node' | 'controller';

/** Private; held by controllers only. The three JWTs are public and part of every server's configuration. */
export const NatsAuthority = z.strictObject({
  operator: z.string(),
  account: z.string(),
  systemAccount: z.string(),
  accountKey: z.string(),
  systemAccountKey: z.string(),
  operatorSeed: z.string(),
  systemAccountSeed: z.string(),
  /** Each signs users of one role; the account's JWT says what those may do. */
  signerSeeds: z.strictObject({ node: z.string(), controller: z.string() }),
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

/** What a role may say and hear on the node of that name, which must be a whole token of each subject that has it. */
export type PermissionsFor = (role: NatsRole, node: string) => SubjectLists;

const boundless = { conn: UNLIMITED, subs: UNLIMITED, data: UNLIMITED, payload: UNLIMITED };
const alone = { imports: 0, exports: 0, leaf: 0, wildcards: true, disallow_bearer: true };
const storing = { mem_storage: UNLIMITED, disk_storage: UNLIMITED, streams: UNLIMITED, consumer: UNLIMITED };

export async function makeNatsAuthority(
  cluster: string,
  permissionsFor: PermissionsFor,
  now: Date,
): Promise<NatsAuthority> {
  const [operator, account, system] = [createOperator(), createAccount(), createAccount()];
  const keys = {
    accountKey: account.getPublicKey(),
    operatorSeed: seedOf(operator),
    signerSeeds: { node: seedOf(createAccount()), controller: seedOf(createAccount()) },
  };
  return {
    ...keys,
    operator: await encodeOperator(cluster, operator, { system_account: system.getPublicKey() }),
    account: await signAccount(keys, permissionsFor),
    systemAccount: await encodeAccount('SYS', system, { limits: { ...boundless, ...alone } }, { signer: operator }),
    systemAccountKey: system.getPublicKey(),
    systemAccountSeed: seedOf(system),
    routes: makeAuthority(cluster, now),
  };
}

/**
 * The same authority when its roles may do what is asked already, and these users are refused; else one with
 * another JWT for its account. Without a list of users those that are refused stay so.
 */
export async function withPermissions(
  authority: NatsAuthority,
  permissionsFor: PermissionsFor,
  revoked?: readonly RevokedUser[],
): Promise<NatsAuthority> {
  const { signing_keys: signers, revocations = {} } = decode<Account>(authority.account).nats;
  const wanted = revoked === undefined ? revocations : revocationsOf(revoked);
  const isSame = isDeepStrictEqual(revocations, wanted);
  if (isSame && JSON.stringify(signers) === JSON.stringify(signersOf(authority, permissionsFor))) return authority;
  return { ...authority, account: await signAccount(authority, permissionsFor, wanted) };
}

/** A NATS user that is refused, whatever a signer says. */
export interface RevokedUser {
  readonly user: string;
  /** Credentials that were made before this are refused; nobody has made any after it. */
  readonly until: Date;
}

const revocationsOf = (revoked: readonly RevokedUser[]): RevocationList =>
  Object.fromEntries(revoked.map(({ user, until }) => [user, Math.floor(until.getTime() / 1000)]));

type AccountKeys = Pick<NatsAuthority, 'accountKey' | 'operatorSeed' | 'signerSeeds'>;

function signAccount(
  keys: AccountKeys,
  permissionsFor: PermissionsFor,
  revocations: RevocationList = {},
): Promise<string> {
  const account = {
    limits: { ...boundless, ...alone, ...storing },
    signing_keys: signersOf(keys, permissionsFor),
    ...(Object.keys(revocations).length === 0 ? {} : { revocations }),
  };
  return encodeAccount('volt', fromPublic(keys.accountKey), account, { signer: keyOf(keys.operatorSeed) });
}

const signersOf = ({ signerSeeds }: AccountKeys, permissionsFor: PermissionsFor) =>
  (['node', 'controller'] as const).map((role) => {
    const { publish, subscribe } = permissionsFor(role, OWN_NAME);
    const limits = { pub: { allow: [...publish] }, sub: { allow: [...subscribe] } };
    return newScopedSigner(keyOf(signerSeeds[role]), role, limits);
  });

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
    const publicKey = keyOf(seed.trim()).getPublicKey();
    if (publicKey.startsWith('U')) return { publicKey, seed: seed.trim() };
  } catch {
    // The cause could carry the seed.
  }
  throw new VoltError('INVALID_CONFIG', 'Not the seed of a NATS user');
}

/** The key in a .creds file. Throws INVALID_CONFIG for a text that is none. */
export function userKeyIn(credentials: string): UserKey {
  const [, seed] = /-----BEGIN USER NKEY SEED-----\s+(\S+)\s/.exec(credentials) ?? [];
  return userKeyOf(seed ?? '');
}

/** Its public half. */
export const userIn = (credentials: string): string => userKeyIn(credentials).publicKey;

/** When the JWT in a .creds file was made and ends. Throws INVALID_CONFIG for a text that is none. */
export function lifeOfCredentials(credentials: string): { readonly from: Date; readonly until: Date } {
  const [, jwt = ''] = /-----BEGIN NATS USER JWT-----\s+(\S+)\s/.exec(credentials) ?? [];
  try {
    const { iat, exp } = Times.parse(decode(jwt));
    return { from: new Date(iat * 1000), until: new Date(exp * 1000) };
  } catch {
    throw new VoltError('INVALID_CONFIG', 'Not the credentials of a NATS user');
  }
}

const Times = z.object({ iat: z.number(), exp: z.number() });

export interface UserGrant {
  readonly role: NatsRole;
  readonly node: string;
  readonly publicKey: string;
}

/** A JWT that lets the owner of a key into the cluster's account, as far as its role goes on its node. */
export function signUser(
  authority: NatsAuthority,
  { role, node, publicKey }: UserGrant,
  when: Date | Term,
): Promise<string> {
  const signer = keyOf(authority.signerSeeds[role]);
  const options = { signer, scopedUser: true, exp: expiry(when) };
  return encodeUser(node, fromPublic(publicKey), fromPublic(authority.accountKey), {}, options);
}

/**
 * What a controller's NATS server shows to the others: texts of the files of the same names. The key is the node's,
 * by which the others know who was taken in.
 */
export function routeFiles(
  { routes }: NatsAuthority,
  { node, address, key: routesKey }: { node: string; address: string; key: string },
  when: Date | Term,
): { routesAuthority: string; routesCertificate: string; routesKey: string } {
  const subject = { name: node, roles: ['controller'] as const, addresses: [address] };
  const routesCertificate = issue(routes, createPublicKey(routesKey), subject, when);
  return { routesAuthority: routes.certificate, routesCertificate, routesKey };
}

/** Credentials for the system account: for a controller that looks after the servers. Kept in memory only. */
export async function systemCredentials(authority: NatsAuthority, now: Date): Promise<string> {
  const account = keyOf(authority.systemAccountSeed);
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
function expiry(when: Date | Term): number {
  const { now, seconds } = termOf(when);
  return Math.floor(now.getTime() / 1000) + seconds;
}

const seedOf = (pair: { getSeed(): Uint8Array }): string => new TextDecoder().decode(pair.getSeed());

const keyOf = (seed: string) => fromSeed(new TextEncoder().encode(seed));
