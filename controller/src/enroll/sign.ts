/**
 * Another certificate for a key that has one: of a node whose time is two
 * thirds over, or of a person. Who asks has shown the present one on this very
 * connection, and gets the same again for longer, never more.
 */
import { createPublicKey, type KeyObject } from 'node:crypto';
import { VoltError } from '@volt/shared/errors';
import type { Member } from '@volt/shared/model';
import { issue, keyFingerprint, signUser, type Subject } from '@volt/shared/pki';
import type { ControllerMethods, Parsed, Result } from '@volt/shared/rpc';
import { certificateRoles, termOf, type SigningPorts } from './signing.ts';

export type SignRequest = Parsed<ControllerMethods['certificate.sign']>;
export type Signed = Result<ControllerMethods['certificate.sign']>;

/** Who asks, as the door knows them. */
export interface Asker {
  readonly name: string;
  readonly roles: readonly string[];
  /** SHA-256 of the key of the certificate that they show; absent when somebody speaks for them. */
  readonly key?: string | undefined;
}

/** PERMISSION for every key but the caller's own, and for one that was revoked or is no member's any more. */
export async function sign(ports: SigningPorts, request: SignRequest, caller: Asker): Promise<Signed> {
  const publicKey = readPublicKey(request.publicKey);
  const key = keyFingerprint(publicKey);
  if (caller.key !== key) {
    throw new VoltError('PERMISSION', 'A certificate is renewed only for who shows it, with the key that it has', {
      hint: 'nobody can ask for somebody else',
    });
  }
  if (await ports.revoked.has(key)) throw joinAgain(`The key of '${caller.name}' was revoked`);
  const isMachine = caller.roles.includes('node') || caller.roles.includes('controller');
  const { identity } = ports;
  const subject = isMachine ? subjectOf(await memberOf(ports, caller.name, key)) : personOf(caller);
  const certificate = issue(identity.controller.authority, publicKey, subject, termOf(ports));
  return { certificate, jwt: isMachine ? await credentials(ports, caller.name, request.userKey) : null };
}

function readPublicKey(text: string): KeyObject {
  try {
    const key = createPublicKey(text);
    if (text.includes('PUBLIC KEY') && key.asymmetricKeyDetails?.namedCurve === 'prime256v1') return key;
  } catch {
    // As below.
  }
  throw new VoltError('USAGE', 'Not the public half of a P-256 key');
}

async function memberOf({ members }: SigningPorts, node: string, key: string): Promise<Member> {
  const member = (await members.list()).find((known) => known.node === node);
  if (member?.key === key) return member;
  throw joinAgain(`'${node}' with this key is no node of the cluster`);
}

const subjectOf = ({ node, roles, address }: Member): Subject => ({
  name: node,
  roles: certificateRoles(roles),
  addresses: [address, '127.0.0.1'],
});

/** A person may go on being what the certificate says. */
function personOf({ name, roles }: Asker): Subject {
  const own = (['admin', 'reader'] as const).filter((role) => roles.includes(role));
  if (own.length > 0) return { name, roles: own, addresses: [] };
  throw new VoltError('PERMISSION', `The certificate of '${name}' has no role`);
}

async function credentials(ports: SigningPorts, node: string, userKey: string | undefined): Promise<string | null> {
  if (userKey === undefined) return null;
  const member = (await ports.members.list()).find((known) => known.node === node);
  if (member?.user !== undefined && member.user !== userKey) throw joinAgain(`Node '${node}' has another NATS key`);
  if (await ports.revoked.has(userKey.toLowerCase())) throw joinAgain(`The NATS key of '${node}' was revoked`);
  return signUser(ports.identity.controller.nats, { role: 'node', node, publicKey: userKey }, termOf(ports));
}

const joinAgain = (message: string): VoltError =>
  new VoltError('PERMISSION', message, { hint: 'on that machine: volt cluster leave --force, then join again' });
