import { createPublicKey } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import * as z from 'zod';
import { issue, makeAuthority, makeKey, type KeyAndCertificate } from '../pki/index.ts';
import { method } from '../rpc/index.ts';
import { addService, authorize, createApp, identifyByCertificate, PendingCalls } from '../server/index.ts';
import { connect, type Target } from './index.ts';

const table = {
  'who.am-i': method({
    summary: 'Say who asks.',
    params: () => z.object({}),
    result: () => z.string(),
    permission: 'who:read',
    audit: 'none',
    resource: 'none',
    cli: 'hidden',
  }),
};

const now = new Date();
const authority = makeAuthority('ours', now);
const otherAuthority = makeAuthority('theirs', now);

function certify(by: KeyAndCertificate, role: 'admin' | 'node', addresses: string[] = []) {
  const key = makeKey();
  return { key, cert: issue(by, createPublicKey(key), { name: 'somebody', roles: [role], addresses }, now) };
}

const app = (() => {
  const { key, cert } = certify(authority, 'node', ['127.0.0.1']);
  const https = { ca: authority.certificate, cert, key, requestCert: true, rejectUnauthorized: false };
  return createApp({ https });
})();
let port = 0;

beforeAll(async () => {
  const quiet = () => {};
  addService(app, {
    table,
    handlers: { 'who.am-i': async (_params, { caller }) => caller.name },
    door: { authorize, record: (_caller, _attempt, work) => work() },
    identify: identifyByCertificate,
    pending: new PendingCalls(),
    log: { debug: quiet, info: quiet, warn: quiet, error: quiet },
    discover: () => ({}),
  });
  await app.listen({ host: '127.0.0.1', port: 0 });
  port = (app.server.address() as AddressInfo).port;
});
afterAll(() => app.close());

async function ask(changes: Partial<Target & { kind: 'tls' }> = {}): Promise<string> {
  const mine = certify(authority, 'admin');
  const target = { kind: 'tls' as const, host: '127.0.0.1', port, ca: authority.certificate, ...mine, ...changes };
  const client = connect(target, table);
  try {
    return await client.call('who.am-i', {});
  } finally {
    client.close();
  }
}

test('a certificate of the CA is known by its name, at an address that is no server name', async () => {
  expect(await ask()).toBe('somebody');
});

test('a certificate of another CA is not known', async () => {
  await expect(ask(certify(otherAuthority, 'admin'))).rejects.toMatchObject({ code: 'PERMISSION' });
});

test('a server of another CA is not trusted', async () => {
  await expect(ask({ ca: otherAuthority.certificate })).rejects.toMatchObject({ code: 'PERMISSION' });
});

test('a server whose certificate is for another name is not trusted', async () => {
  await expect(ask({ serverName: 'elsewhere' })).rejects.toMatchObject({ code: 'PERMISSION' });
});

test('nobody there is a matter of the network', async () => {
  await expect(ask({ port: 1 })).rejects.toMatchObject({ code: 'NETWORK' });
});
