/** Certificates for tests: a cluster's CA, and whoever it certifies. */
import { createPublicKey, randomInt } from 'node:crypto';
import { issue, makeAuthority, makeKey, type Subject } from '../index.ts';

export interface TestIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export function testAuthority() {
  const now = new Date();
  const authority = makeAuthority('test', now);
  return {
    ca: authority.certificate,
    /** Somebody of that name with these roles; a server is known at its addresses. */
    certify(name: string, roles: Subject['roles'], addresses: readonly string[] = []): TestIdentity {
      const key = makeKey();
      const cert = issue(authority, createPublicKey(key), { name, roles, addresses: [...addresses] }, now);
      return { ca: authority.certificate, cert, key };
    },
  };
}

/** Loopback addresses that nobody else has, for servers that share a fixed port. */
export function loopbackAddresses(count: number): string[] {
  const network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  return Array.from({ length: count }, (_, index) => `${network}.${index + 1}`);
}
