import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { VoltError } from '../errors/index.ts';
import {
  fingerprintOf,
  issue,
  keyFingerprint,
  makeAuthority,
  makeKey,
  makeRequest,
  readRequest,
} from './certificates.ts';

const now = new Date('2026-03-01T12:00:00Z');
const authority = makeAuthority('volt', now);
const key = makeKey();
const subject = { name: 'node1', roles: ['node', 'controller'] as const, addresses: ['192.0.2.1', '127.0.0.1'] };
const certificate = new X509Certificate(issue(authority, createPublicKey(key), subject, now));

describe('a certificate', () => {
  test('is signed by its authority and by no other', () => {
    const ca = new X509Certificate(authority.certificate);
    const stranger = new X509Certificate(makeAuthority('volt', now).certificate);
    assert(certificate.checkIssued(ca) && certificate.verify(ca.publicKey));
    assert(!certificate.verify(stranger.publicKey));
  });

  test('names the node, its roles and where it answers', () => {
    expect(certificate.subject).toBe('O=volt:node\nO=volt:controller\nCN=node1');
    expect(certificate.subjectAltName).toBe('DNS:node1, IP Address:192.0.2.1, IP Address:127.0.0.1');
  });

  test('is for a key, and cannot sign others', () => {
    expect(certificate.publicKey.equals(createPublicKey(key))).toBe(true);
    expect(certificate.ca).toBe(false);
    expect(new X509Certificate(authority.certificate).ca).toBe(true);
  });

  test('lives a year, and began a moment ago for clocks that are behind', () => {
    expect(certificate.validFromDate).toEqual(new Date('2026-03-01T11:55:00Z'));
    expect(certificate.validToDate).toEqual(new Date('2027-03-01T12:00:00Z'));
  });

  test('of a person is for clients only', () => {
    const person = { name: 'ada', roles: ['admin'] as const, addresses: [] };
    const admin = new X509Certificate(issue(authority, createPublicKey(key), person, now));
    expect(admin.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
    expect(admin.subjectAltName).toBeUndefined();
  });

  test('has a serial number of its own', () => {
    const again = new X509Certificate(issue(authority, createPublicKey(key), subject, now));
    expect(again.serialNumber).not.toBe(certificate.serialNumber);
  });
});

describe('a fingerprint', () => {
  test('of a certificate is the SHA-256 that others compute', () => {
    const openssl = new X509Certificate(authority.certificate).fingerprint256.replaceAll(':', '').toLowerCase();
    expect(fingerprintOf(authority.certificate)).toBe(openssl);
  });

  test('of a key is the same in the request and in the certificate', () => {
    expect(keyFingerprint(readRequest(makeRequest(key)))).toBe(keyFingerprint(certificate.publicKey));
  });
});

describe('a request', () => {
  test('gives its key', () => {
    expect(readRequest(makeRequest(key)).equals(createPublicKey(key))).toBe(true);
  });

  const request = makeRequest(key);
  const body = Buffer.from(request.split('\n').slice(1, -2).join(''), 'base64');
  const pem = (der: Buffer) =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${der.toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  const withByte = (index: number) => Buffer.from(body.map((byte, at) => (at === index ? byte ^ 1 : byte)));
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;

  test.each<[string, string]>([
    ['nothing', ''],
    ['no PEM', 'hello'],
    ['a certificate', authority.certificate],
    ['no DER inside', pem(Buffer.from('hello'))],
    ['a truncated one', pem(body.subarray(0, body.length - 10))],
    ['one with another signature', pem(withByte(body.length - 3))],
    ['one with another key', pem(withByte(60))],
    ['one for another curve', makeRequest(p384.export({ type: 'pkcs8', format: 'pem' }))],
    ['two at once', request + request],
  ])('is refused as USAGE when it is %s', (_, text) => {
    expect(() => readRequest(text)).toThrow(expect.objectContaining({ code: 'USAGE' }) as VoltError);
  });
});
