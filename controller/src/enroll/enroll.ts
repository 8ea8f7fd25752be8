/**
 * Taking in a node: a token is checked, a subnet and roles are chosen and
 * recorded, and a certificate and NATS credentials are signed for keys that
 * the node made and keeps. A node that asks again with the same key gets the
 * same answer, so that a join that broke off can be repeated.
 */
import { X509Certificate, type KeyObject } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';
import type { Member, NodeRoles } from '@volt/shared/model';
import {
  clusterFiles,
  CONTROLLER_JWT,
  freeSubnet,
  isInRange,
  issue,
  keyFingerprint,
  makeServerName,
  NODE_JWT,
  readRequest,
  signUser,
  userIn,
  writeNatsAuthority,
} from '@volt/shared/pki';
import type { ControllerMethods, Parsed, Result } from '@volt/shared/rpc';
import { makeRoom } from './make-room.ts';
import { returning, rolesFor, type Applicant } from './placement.ts';
import type { EnrollPorts, RemovalPorts } from './ports.ts';
import { removeNode, type RemovalRequest } from './remove-node.ts';
import { sign, type Asker, type Signed, type SignRequest } from './sign.ts';
import { certificateRoles, termOf } from './signing.ts';
import { checkToken, issueToken, type TokenRequest } from './tokens.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';

export type EnrollRequest = Parsed<ControllerMethods['cluster.enroll']>;
export type EnrollAnswer = Result<ControllerMethods['cluster.enroll']>;

/** Lost races for a subnet before we give up. Each means that another node was taken in. */
const ATTEMPTS_MAX = 32;

export interface Enroll {
  /** Codes: PERMISSION (token), ALREADY_EXISTS (name, address), RESOURCE (no subnet left), USAGE (request). */
  enroll(request: EnrollRequest): Promise<EnrollAnswer>;

  /** Idempotent; see removeNode. */
  remove(request: RemovalRequest): Promise<{ name: string; deleted: boolean }>;

  makeToken(request: TokenRequest): Promise<{ join: string; expiresAt: string }>;

  /** See sign. */
  sign(request: SignRequest, caller: Asker): Promise<Signed>;
}

export function createEnroll(ports: RemovalPorts): Enroll {
  const turnstile = createTurnstile(ports);
  return {
    enroll: (request) => enroll(ports, turnstile, request),
    remove: async (request) => ({ name: request.name, deleted: await removeNode(ports, turnstile, request) }),
    makeToken: (request) => issueToken(ports, request),
    sign: (request, caller) => sign(ports, request, caller),
  };
}

async function enroll(ports: EnrollPorts, turnstile: Turnstile, request: EnrollRequest): Promise<EnrollAnswer> {
  const { mayBeController } = await checkToken(ports, request.token);
  const publicKey = readRequest(request.certificateRequest);
  const { range } = ports.identity.config;
  if (isInRange(range, request.address)) {
    throw new VoltError('USAGE', `Address ${request.address} lies in the cluster's container range ${range}`);
  }
  await recordSelf(ports);
  const { node, address, role, userKey: user } = request;
  const key = keyFingerprint(publicKey);
  if (await ports.revoked.has(key)) {
    throw new VoltError('PERMISSION', `The key of node '${node}' was revoked when it was deleted`, {
      hint: 'on that machine: volt cluster leave --force',
    });
  }
  const applicant = { node, address, role, key, user, mayBeController };
  const isController = rolesOf(applicant, await ports.members.list()).includes('controller');
  const member = isController
    ? await recordController(ports, turnstile, applicant)
    : await record(ports, { ...applicant, role: 'agent' }, {});
  return answer(ports, member, { publicKey, userKey: request.userKey });
}

/** The first node was made before there was a place to record it. */
async function recordSelf({ identity, members, now }: EnrollPorts): Promise<void> {
  const { node, address, subnet, roles } = identity.config;
  const known = await members.list();
  if (known.some((member) => member.node === node)) return;
  const { publicKey } = new X509Certificate(identity.cert);
  const key = keyFingerprint(publicKey);
  const { route } = identity.controller;
  const user = userIn(identity.creds);
  await members
    .create({ node, address, subnet, roles, key, route, user, joinedAt: now().toISOString() })
    .catch((thrown) => {
      // Somebody else comes at the same moment.
      if (!isConflict(thrown)) throw thrown;
    });
}

interface Asking extends Applicant {
  readonly user: string;
  readonly mayBeController: boolean;
}

/** What the applicant becomes, or is already. */
const rolesOf = (applicant: Asking, known: readonly Member[]): NodeRoles =>
  returning(applicant, known)?.roles ?? rolesFor(applicant.role, known, applicant.mayBeController);

/** In its turn, so that what is counted here is true until it is recorded. */
async function recordController(ports: EnrollPorts, turnstile: Turnstile, applicant: Asking): Promise<Member> {
  const { members } = ports;
  const { node } = applicant;
  const server = makeServerName(node);
  await turnstile.take(node, server);
  try {
    const known = await members.list();
    if (rolesOf(applicant, known).includes('controller')) {
      await makeRoom(ports, node, { members: known, settled: await members.settled() });
      return await record(ports, { ...applicant, role: 'controller' }, { server });
    }
    await turnstile.giveBack(server);
    return await record(ports, { ...applicant, role: 'agent' }, {});
  } catch (thrown) {
    await turnstile.giveBack(server).catch(() => {});
    throw thrown;
  }
}

async function record(ports: EnrollPorts, applicant: Asking, { server }: Pick<Member, 'server'>): Promise<Member> {
  const { identity, members, now } = ports;
  const lost = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const known = await members.list();
    const back = returning(applicant, known);
    if (back !== undefined) return renewed(ports, back, { server, user: applicant.user });
    const taken = new Set([...lost, ...known.map((member) => member.subnet)]);
    const subnet = freeSubnet(identity.config.range, (candidate) => taken.has(candidate));
    const { node, address, key, user, role, mayBeController } = applicant;
    const roles = rolesFor(role, known, mayBeController);
    // Servers show each other the node's key; see routeFiles.
    const route = roles.includes('controller') ? key : undefined;
    const member: Member = { node, address, subnet, roles, key, server, route, user, joinedAt: now().toISOString() };
    try {
      await members.create(member);
      return member;
    } catch (thrown) {
      if (!isConflict(thrown)) throw thrown;
      lost.add(subnet);
    }
  }
  throw new VoltError('CONFLICT', `No subnet for node '${applicant.node}': too many nodes join at once`);
}

/** The record of a node that comes back, with what it enters NATS with this time and the name of its server. */
async function renewed(
  { members, revoked }: EnrollPorts,
  back: Member,
  { server = back.server, user }: Pick<Member, 'server' | 'user'>,
): Promise<Member> {
  // Its own deletion would not know of the former one.
  if (back.user !== undefined && back.user !== user) await revoked.add(back.user.toLowerCase(), back.node);
  const route = server === undefined ? back.route : back.key;
  const member = { ...back, server, route, user };
  await members.update(member);
  return member;
}

const isConflict = (thrown: unknown): boolean => thrown instanceof VoltError && thrown.code === 'CONFLICT';

async function answer(
  ports: EnrollPorts,
  member: Member,
  keys: { publicKey: KeyObject; userKey: string },
): Promise<EnrollAnswer> {
  const { identity, members } = ports;
  const { node, address, roles, subnet } = member;
  const { config, controller, ca } = identity;
  const term = termOf(ports);
  const isController = roles.includes('controller');
  const subject = { name: node, roles: certificateRoles(roles), addresses: [address, '127.0.0.1'] };
  const grant = (role: 'node' | 'controller') =>
    signUser(controller.nats, { role, node, publicKey: keys.userKey }, term);
  const secrets: Record<string, string> = isController
    ? {
        [CONTROLLER_JWT]: await grant('controller'),
        [clusterFiles.authorityKey.name]: controller.authority.key,
        [clusterFiles.natsAuthority.name]: writeNatsAuthority(controller.nats),
      }
    : {};
  const settled = await members.settled();
  // Whose join is not complete cannot be counted on, and one that broke off would be asked in vain.
  const peers = (await members.list()).filter(
    (peer) => peer.roles.includes('controller') && (peer.node === config.node || settled.has(peer.node)),
  );
  return {
    cluster: config.cluster,
    roles,
    server: member.server ?? null,
    certificate: issue(controller.authority, keys.publicKey, subject, term),
    files: { [clusterFiles.authority.name]: ca, [NODE_JWT]: await grant('node'), ...secrets },
    subnet,
    range: config.range,
    peers: peers.map((peer) => ({ node: peer.node, address: peer.address, roles: peer.roles })),
  };
}
