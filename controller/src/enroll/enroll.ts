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
  NODE_JWT,
  readRequest,
  signUser,
  writeNatsAuthority,
} from '@volt/shared/pki';
import type { ControllerMethods, Parsed, Result } from '@volt/shared/rpc';
import { returning, rolesFor, type Applicant } from './placement.ts';
import type { EnrollPorts } from './ports.ts';
import { checkToken, issueToken, type TokenRequest } from './tokens.ts';

export type EnrollRequest = Parsed<ControllerMethods['cluster.enroll']>;
export type EnrollAnswer = Result<ControllerMethods['cluster.enroll']>;

/** Lost races for a subnet before we give up. Each means that another node was taken in. */
const ATTEMPTS_MAX = 32;

export interface Enroll {
  /** Codes: PERMISSION (token), ALREADY_EXISTS (name, address), RESOURCE (no subnet left), USAGE (request). */
  enroll(request: EnrollRequest): Promise<EnrollAnswer>;

  makeToken(request: TokenRequest): Promise<{ join: string; expiresAt: string }>;
}

export function createEnroll(ports: EnrollPorts): Enroll {
  // One at a time, so that two nodes that come together do not both become the third controller.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = last.then(act, act);
    last = turn.catch(() => {});
    return turn;
  };
  return {
    enroll: (request) => inTurn(() => enroll(ports, request)),
    makeToken: (request) => issueToken(ports, request),
  };
}

async function enroll(ports: EnrollPorts, request: EnrollRequest): Promise<EnrollAnswer> {
  const { mayBeController } = await checkToken(ports, request.token);
  const publicKey = readRequest(request.certificateRequest);
  const { range } = ports.identity.config;
  if (isInRange(range, request.address)) {
    throw new VoltError('USAGE', `Address ${request.address} lies in the cluster's container range ${range}`);
  }
  await recordSelf(ports);
  const { node, address, role } = request;
  const member = await record(ports, { node, address, role, key: keyFingerprint(publicKey) }, mayBeController);
  return answer(ports, member, { publicKey, userKey: request.userKey });
}

/** The first node was made before there was a place to record it. */
async function recordSelf({ identity, members, now }: EnrollPorts): Promise<void> {
  const { node, address, subnet, roles } = identity.config;
  const known = await members.list();
  if (known.some((member) => member.node === node)) return;
  const { publicKey } = new X509Certificate(identity.cert);
  const key = keyFingerprint(publicKey);
  await members.create({ node, address, subnet, roles, key, joinedAt: now().toISOString() });
}

async function record(ports: EnrollPorts, applicant: Applicant, mayBeController: boolean): Promise<Member> {
  const { identity, members, now } = ports;
  const lost = new Set<string>();
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    const known = await members.list();
    const back = returning(applicant, known);
    if (back !== undefined) return back;
    const taken = new Set([...lost, ...known.map((member) => member.subnet)]);
    const subnet = freeSubnet(identity.config.range, (candidate) => taken.has(candidate));
    const { node, address, key, role } = applicant;
    const roles = rolesFor(role, known, mayBeController);
    const member: Member = { node, address, subnet, roles, key, joinedAt: now().toISOString() };
    try {
      await members.create(member);
      return member;
    } catch (thrown) {
      if (!(thrown instanceof VoltError) || thrown.code !== 'CONFLICT') throw thrown;
      lost.add(subnet);
    }
  }
  throw new VoltError('CONFLICT', `No subnet for node '${applicant.node}': too many nodes join at once`);
}

async function answer(
  { identity, members, now }: EnrollPorts,
  member: Member,
  keys: { publicKey: KeyObject; userKey: string },
): Promise<EnrollAnswer> {
  const { node, address, roles, subnet } = member;
  const { config, controller, ca } = identity;
  const isController = roles.includes('controller');
  const subject = { name: node, roles: certificateRoles(roles), addresses: [address, '127.0.0.1'] };
  const grant = (role: 'node' | 'controller') =>
    signUser(controller.nats, { role, node, publicKey: keys.userKey }, now());
  const secrets: Record<string, string> = isController
    ? {
        [CONTROLLER_JWT]: await grant('controller'),
        [clusterFiles.authorityKey.name]: controller.authority.key,
        [clusterFiles.natsAuthority.name]: writeNatsAuthority(controller.nats),
      }
    : {};
  const peers = (await members.list()).filter((peer) => peer.roles.includes('controller'));
  return {
    cluster: config.cluster,
    roles,
    certificate: issue(controller.authority, keys.publicKey, subject, now()),
    files: { [clusterFiles.authority.name]: ca, [NODE_JWT]: await grant('node'), ...secrets },
    subnet,
    range: config.range,
    peers: peers.map((peer) => ({ node: peer.node, address: peer.address, roles: peer.roles })),
  };
}

/** The words of certificates for roles of nodes. */
const certificateRoles = (roles: NodeRoles): ('node' | 'controller')[] =>
  roles.map((role) => (role === 'agent' ? 'node' : role));
