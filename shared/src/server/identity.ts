import { createHash, type KeyObject } from 'node:crypto';
import type { PeerCertificate, TLSSocket } from 'node:tls';
import type { IncomingMessage } from 'node:http';
import * as z from 'zod';
import type { Caller, Role } from './caller.ts';

/** Set by a server of ours that passes somebody's request on. */
export const SPEAKS_FOR_HEADER = 'volt-speaks-for';

const SPEAKS_FOR_BYTES_MAX = 1024;

const roleOfOrganisation: Readonly<Record<string, Role>> = {
  'volt:admin': 'admin',
  'volt:reader': 'reader',
  'volt:node': 'node',
  'volt:controller': 'controller',
};

const Spoken = z.object({
  name: z.string().max(256),
  roles: z.array(z.enum(['reader', 'admin', 'node', 'controller'])).max(4),
});

/** Name and roles in a certificate's subject: CN, and one `volt:<role>` for each O. Others are ignored. */
export function callerOfCertificate(certificate: Pick<PeerCertificate, 'subject'>): Caller {
  const subject = certificate.subject as unknown as Record<string, string | string[] | undefined>;
  const organisations = [subject['O'] ?? []].flat();
  const roles = organisations.flatMap((name) =>
    Object.hasOwn(roleOfOrganisation, name) ? [roleOfOrganisation[name]!] : [],
  );
  return { name: [subject['CN'] ?? 'unnamed'].flat()[0]!, uid: null, roles };
}

/**
 * Who stands behind a request that came over TLS: the certificate's owner, or
 * whom a controller speaks for. Undefined without a certificate of our CA.
 *
 * A node that is no controller may pass requests on as well, but never gives
 * them more than a reader's rights: whoever owns one node does not own the cluster.
 */
export function identifyByCertificate(request: IncomingMessage): Caller | undefined {
  const socket = request.socket as TLSSocket;
  if (!socket.authorized) return undefined;
  const certificate = socket.getPeerX509Certificate();
  // The handshake looked at it, which on a connection that is kept open may be long ago.
  if (certificate === undefined || certificate.validToDate.getTime() < Date.now()) return undefined;
  const owner = callerOfCertificate(socket.getPeerCertificate());
  const header = request.headers[SPEAKS_FOR_HEADER];
  if (header === undefined) return { ...owner, key: fingerprintOf(certificate.publicKey) };
  return spokenFor(owner, header);
}

const fingerprintOf = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

function spokenFor(owner: Caller, header: string | string[]): Caller | undefined {
  if (typeof header !== 'string' || header.length > SPEAKS_FOR_BYTES_MAX) return undefined;
  const spoken = Spoken.safeParse(parse(header));
  if (!spoken.success) return undefined;
  const name = `${spoken.data.name} via ${owner.name}`;
  if (owner.roles.includes('controller')) return { name, uid: null, roles: spoken.data.roles };
  if (owner.roles.includes('node')) return { name, uid: null, roles: ['reader'] };
  return undefined;
}

/** As identifyByCertificate, but nobody whose key was revoked is known. */
export const identifyUnlessRevoked =
  (revoked: Revoked) =>
  (request: IncomingMessage): Caller | undefined => {
    const certificate = (request.socket as TLSSocket).getPeerX509Certificate();
    if (certificate !== undefined && revoked.has(certificate.publicKey)) return undefined;
    return identifyByCertificate(request);
  };

/** Keys that open no door any more, as of the moment of each request. */
export interface Revoked {
  has(publicKey: KeyObject): boolean;
}

export function speakFor(caller: Caller): string {
  const roles = caller.roles.filter((role) => role !== 'anonymous');
  return Buffer.from(JSON.stringify({ name: caller.name, roles })).toString('base64');
}

function parse(header: string): unknown {
  try {
    return JSON.parse(Buffer.from(header, 'base64').toString('utf8'));
  } catch {
    return undefined;
  }
}
