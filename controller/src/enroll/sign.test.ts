import { createPublicKey, X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import { FakeKv, FakeKvStore } from '@volt/shared/kv/testing';
import {
  credentialsText,
  keyFingerprint,
  lifeOf,
  lifeOfCredentials,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  withControllers,
} from '@volt/shared/pki';
import { membersOnKv, revokedOnKv } from './on-kv.ts';
import { sign, type Asker } from './sign.ts';

const NOW = new Date(Math.floor(Date.now() / 1000) * 1000);
const authority = makeAuthority('test', NOW);
const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), NOW);
const key = makeKey();
const user = makeUserKey();
const fingerprint = keyFingerprint(createPublicKey(key));
function publicHalf(of: string): string {
  return createPublicKey(of).export({ type: 'spki', format: 'pem' });
}

const node: Asker = { name: 'node2', roles: ['node'], key: fingerprint };
const asked = { publicKey: publicHalf(key), userKey: user.publicKey };

/** A cluster that has taken in node2, seen from a controller that signs for 90 seconds. */
async function cluster() {
  const kv = new FakeKv(new FakeKvStore());
  const members = membersOnKv(kv);
  const revoked = revokedOnKv(kv, () => NOW);
  const self = { cluster: 'test', node: 'node1', address: '192.0.2.1', subnet: '10.1.0.0/24', range: '10.1.0.0/16' };
  const config = withControllers({ ...self, roles: ['agent', 'controller'] }, [self]);
  const controller = { creds: '', authority, nats };
  const identity = { config, ca: authority.certificate, cert: '', key: '', creds: '', controller };
  await members.create({
    ...{ node: 'node2', address: '192.0.2.2', subnet: '10.1.1.0/24', roles: ['agent'], key: fingerprint },
    ...{ user: user.publicKey, joinedAt: NOW.toISOString() },
  });
  return { members, revoked, identity, now: () => NOW, certificateSeconds: 90 };
}

test('a node gets the same again for longer: its key, its name, its address and its role', async () => {
  const { certificate, jwt } = await sign(await cluster(), asked, node);
  const signed = new X509Certificate(certificate);
  expect(signed.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  expect(keyFingerprint(signed.publicKey)).toBe(fingerprint);
  expect(signed.subject.split('\n')).toEqual(['O=volt:node', 'CN=node2']);
  expect(signed.checkIP('192.0.2.2')).toBe('192.0.2.2');
  expect(lifeOf(certificate).until).toEqual(new Date(NOW.getTime() + 90_000));
  expect(lifeOfCredentials(credentialsText(jwt!, user.seed)).until).toEqual(new Date(NOW.getTime() + 90_000));
});

test.each(['', 'no key', key, makeKey()])(
  'text %# that is no public key is not taken, a private one least of all',
  async (publicKey) => {
    await expect(sign(await cluster(), { ...asked, publicKey }, node)).rejects.toMatchObject({ code: 'USAGE' });
  },
);

test('a person goes on being what their certificate says, and gets no credentials', async () => {
  const person: Asker = { name: 'ann', roles: ['reader'], key: fingerprint };
  const { certificate, jwt } = await sign(await cluster(), asked, person);
  expect(new X509Certificate(certificate).subject.split('\n')).toEqual(['O=volt:reader', 'CN=ann']);
  expect(jwt).toBeNull();
});

const refused: Record<
  string,
  { asker?: Asker; userKey?: string; change?: (of: Awaited<ReturnType<typeof cluster>>) => unknown }
> = {
  'for another key than the one that is shown': { asker: { ...node, key: 'f'.repeat(64) } },
  'through somebody who speaks for them': { asker: { name: 'node2', roles: ['node'] } },
  'under the name of another node': { asker: { ...node, name: 'node1' } },
  'for a person without a role': { asker: { ...node, roles: [] } },
  'for a key that was revoked': { change: ({ revoked }) => revoked.add(fingerprint, 'node2') },
  'for a NATS key that was revoked': { change: ({ revoked }) => revoked.add(user.publicKey.toLowerCase(), 'node2') },
  'for a NATS key of somebody else': { userKey: makeUserKey().publicKey },
  'for a node that was deleted': {
    change: async ({ members }) => members.delete((await members.list())[0]!),
  },
};

test.each(Object.keys(refused))('nothing is signed %s', async (what) => {
  const { asker = node, userKey = user.publicKey, change } = refused[what]!;
  const ports = await cluster();
  await change?.(ports);
  await expect(sign(ports, { ...asked, userKey }, asker)).rejects.toMatchObject({ code: 'PERMISSION' });
});
