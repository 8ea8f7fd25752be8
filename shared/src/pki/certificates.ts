/**
 * X.509 certificates and requests (RFC 5280, RFC 2986) with EC P-256 keys.
 * Node reads and verifies certificates but cannot make them; the encoding is
 * done by the asn1 packages, every signature by Node's own OpenSSL.
 */
import {
  createHash,
  createPublicKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
  X509Certificate,
} from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { CertificationRequest, CertificationRequestInfo } from '@peculiar/asn1-csr';
import { ecdsaWithSHA256 } from '@peculiar/asn1-ecc';
import { AsnConvert, OctetString } from '@peculiar/asn1-schema';
import * as asn1 from '@peculiar/asn1-x509';
import { VoltError } from '../errors/index.ts';

const DAY_SECONDS = 86_400;
const AUTHORITY_SECONDS = 3650 * DAY_SECONDS;
export const CERTIFICATE_DAYS = 365;
/** Clocks of the nodes may differ by this much without a new certificate being refused. */
export const CLOCK_SKEW_MS = 5 * 60_000;
const COMMON_NAME = '2.5.4.3';
const ORGANISATION = '2.5.4.10';
const REQUEST_CHARACTERS_MAX = 8192;

/** PEM texts. */
export interface KeyAndCertificate {
  readonly certificate: string;
  readonly key: string;
}

/** Who a certificate speaks for. Each role is an organisation `volt:<role>` of the subject. */
export interface Subject {
  readonly name: string;
  readonly roles: readonly ('node' | 'controller' | 'admin' | 'reader')[];
  /** IPv4 addresses it answers at. */
  readonly addresses: readonly string[];
}

/** From when on something signed is good, and for how long. A bare date means a year. */
export interface Term {
  readonly now: Date;
  readonly seconds: number;
}

export const termOf = (when: Date | Term): Term =>
  when instanceof Date ? { now: when, seconds: CERTIFICATE_DAYS * DAY_SECONDS } : when;

/** A private key in PEM, PKCS #8. */
export function makeKey(): string {
  const { privateKey } = generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  return privateKey;
}

/** A certificate authority: a key, and a certificate for it that it signs itself. */
export function makeAuthority(cluster: string, now: Date): KeyAndCertificate {
  const key = makeKey();
  const publicKey = createPublicKey(key);
  const name = nameOf(cluster, ['volt:ca']);
  const body = bodyOf({ subject: name, issuer: name, publicKey, now, seconds: AUTHORITY_SECONDS });
  body.extensions = new asn1.Extensions([
    extension(asn1.id_ce_basicConstraints, new asn1.BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
    extension(asn1.id_ce_keyUsage, keyUsage(asn1.KeyUsageFlags.keyCertSign | asn1.KeyUsageFlags.cRLSign), true),
    extension(asn1.id_ce_subjectKeyIdentifier, new asn1.SubjectKeyIdentifier(keyIdentifier(publicKey))),
  ]);
  return { certificate: signBody(body, key), key };
}

/** Signs a certificate for a public key. Everything in it is the signer's choice; nothing is taken from a request. */
export function issue(authority: KeyAndCertificate, publicKey: KeyObject, subject: Subject, when: Date | Term): string {
  const issuer = AsnConvert.parse(new X509Certificate(authority.certificate).raw, asn1.Certificate).tbsCertificate;
  const body = bodyOf({
    subject: nameOf(
      subject.name,
      subject.roles.map((role) => `volt:${role}`),
    ),
    issuer: issuer.subject,
    publicKey,
    ...termOf(when),
  });
  const isServer = subject.addresses.length > 0;
  const uses = isServer ? [asn1.id_kp_serverAuth, asn1.id_kp_clientAuth] : [asn1.id_kp_clientAuth];
  const authorityKey = new asn1.KeyIdentifier(keyIdentifier(createPublicKey(authority.key)));
  body.extensions = new asn1.Extensions([
    extension(asn1.id_ce_basicConstraints, new asn1.BasicConstraints({ cA: false }), true),
    extension(asn1.id_ce_keyUsage, keyUsage(asn1.KeyUsageFlags.digitalSignature), true),
    extension(asn1.id_ce_extKeyUsage, new asn1.ExtendedKeyUsage(uses)),
    extension(asn1.id_ce_authorityKeyIdentifier, new asn1.AuthorityKeyIdentifier({ keyIdentifier: authorityKey })),
    ...(isServer ? [extension(asn1.id_ce_subjectAltName, alternativeNames(subject))] : []),
  ]);
  return signBody(body, authority.key);
}

/** A request to sign the public half of `key`, in PEM. It asks for no name: the signer decides. */
export function makeRequest(key: string): string {
  const info = new CertificationRequestInfo({
    subject: nameOf('request', []),
    subjectPKInfo: publicKeyInfo(createPublicKey(key)),
  });
  const raw = AsnConvert.serialize(info);
  const request = new CertificationRequest({
    certificationRequestInfo: info,
    signatureAlgorithm: ecdsaWithSHA256,
    signature: arrayBuffer(sign('sha256', Buffer.from(raw), key)),
  });
  return pem('CERTIFICATE REQUEST', AsnConvert.serialize(request));
}

/** The public key of a request whose sender proved to own it. Throws USAGE for anything else. */
export function readRequest(text: string): KeyObject {
  const match = /^-----BEGIN CERTIFICATE REQUEST-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE REQUEST-----\s*$/.exec(
    text,
  );
  if (match === null || text.length > REQUEST_CHARACTERS_MAX) throw badRequest();
  try {
    const request = AsnConvert.parse(Buffer.from(match[1]!, 'base64'), CertificationRequest);
    const info = request.certificationRequestInfo;
    const publicKey = createPublicKey({
      key: Buffer.from(AsnConvert.serialize(info.subjectPKInfo)),
      format: 'der',
      type: 'spki',
    });
    const signed = Buffer.from(request.certificationRequestInfoRaw ?? AsnConvert.serialize(info));
    const isP256 = publicKey.asymmetricKeyDetails?.namedCurve === 'prime256v1';
    const isProven = isP256 && verify('sha256', signed, publicKey, Buffer.from(request.signature));
    if (isProven) return publicKey;
  } catch (thrown) {
    throw badRequest(thrown);
  }
  throw badRequest();
}

const badRequest = (cause?: unknown): VoltError =>
  new VoltError('USAGE', 'The certificate request is not a signed request for a P-256 key', { cause });

/** SHA-256 of the certificate, 64 hexadecimal digits. */
export const fingerprintOf = (certificate: string): string =>
  createHash('sha256').update(new X509Certificate(certificate).raw).digest('hex');

/** SHA-256 of a public key: the same for every certificate of one key. */
export const keyFingerprint = (publicKey: KeyObject): string =>
  createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('hex');

interface Body extends Term {
  readonly subject: asn1.Name;
  readonly issuer: asn1.Name;
  readonly publicKey: KeyObject;
}

function bodyOf({ subject, issuer, publicKey, now, seconds }: Body): asn1.TBSCertificate {
  return new asn1.TBSCertificate({
    version: asn1.Version.v3,
    serialNumber: serialNumber(),
    signature: ecdsaWithSHA256,
    issuer,
    validity: new asn1.Validity({
      notBefore: new Date(now.getTime() - CLOCK_SKEW_MS),
      notAfter: new Date(now.getTime() + seconds * 1000),
    }),
    subject,
    subjectPublicKeyInfo: publicKeyInfo(publicKey),
  });
}

function signBody(body: asn1.TBSCertificate, key: string): string {
  const certificate = new asn1.Certificate({
    tbsCertificate: body,
    signatureAlgorithm: ecdsaWithSHA256,
    signatureValue: arrayBuffer(sign('sha256', Buffer.from(AsnConvert.serialize(body)), key)),
  });
  return pem('CERTIFICATE', AsnConvert.serialize(certificate));
}

/** Positive, random and within 20 bytes, as RFC 5280 section 4.1.2.2 asks. */
function serialNumber(): ArrayBuffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return arrayBuffer(bytes);
}

function nameOf(commonName: string, organisations: readonly string[]): asn1.Name {
  return new asn1.Name([
    ...organisations.map((name) => nameAttribute(ORGANISATION, name)),
    nameAttribute(COMMON_NAME, commonName),
  ]);
}

const nameAttribute = (type: string, value: string): asn1.RelativeDistinguishedName =>
  new asn1.RelativeDistinguishedName([
    new asn1.AttributeTypeAndValue({ type, value: new asn1.AttributeValue({ utf8String: value }) }),
  ]);

function alternativeNames({ name, addresses }: Subject): asn1.SubjectAlternativeName {
  return new asn1.SubjectAlternativeName([
    new asn1.GeneralName({ dNSName: name }),
    ...addresses.map((iPAddress) => new asn1.GeneralName({ iPAddress })),
  ]);
}

const extension = (id: string, value: unknown, critical = false): asn1.Extension =>
  new asn1.Extension({ extnID: id, critical, extnValue: new OctetString(AsnConvert.serialize(value)) });

const keyUsage = (flags: number): asn1.KeyUsage => new asn1.KeyUsage(flags);

const publicKeyInfo = (publicKey: KeyObject): asn1.SubjectPublicKeyInfo =>
  AsnConvert.parse(publicKey.export({ type: 'spki', format: 'der' }), asn1.SubjectPublicKeyInfo);

/** RFC 5280 section 4.2.1.2 names SHA-1 of the key here. It only helps to find an issuer; nothing rests on it. */
const keyIdentifier = (publicKey: KeyObject): ArrayBuffer =>
  arrayBuffer(
    createHash('sha1')
      .update(Buffer.from(publicKeyInfo(publicKey).subjectPublicKey))
      .digest(),
  );

const arrayBuffer = (bytes: Buffer): ArrayBuffer => new Uint8Array(bytes).buffer;

function pem(label: string, der: ArrayBuffer): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
