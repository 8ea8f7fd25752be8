import { createPublicKey, X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { issue, makeAuthority, makeKey } from '@volt/shared/pki';
import { expect, test } from 'vitest';
import { now, temporaryFolder, volt, type Answer } from '../run/testing.ts';

const DAY_MS = 86_400_000;
const authority = makeAuthority('test', now);
const person = { name: 'ann', roles: ['admin'] as const, addresses: [] };

/** A home with a context whose certificate was signed for a year, so many days ago. */
async function home(daysAgo: number) {
  const folder = temporaryFolder();
  const path = (name: string) => join(folder, name);
  const key = makeKey();
  const signed = new Date(now.getTime() - daysAgo * DAY_MS);
  writeFileSync(path('ca.crt'), authority.certificate);
  writeFileSync(path('me.key'), key);
  writeFileSync(path('me.crt'), issue(authority, createPublicKey(key), person, signed));
  const files = ['--ca', path('ca.crt'), '--cert', path('me.crt'), '--key', path('me.key')];
  await volt(['context', 'add', 'prod', '--host', 'https://192.0.2.1:7444', ...files], { home: folder });
  await volt('context use prod', { home: folder });
  return { folder, path, certificate: () => readFileSync(path('me.crt'), 'utf8') };
}

const signs =
  (key?: string): Answer =>
  (asked) => ({
    certificate: issue(authority, createPublicKey(key ?? String(asked.params['publicKey'])), person, now),
    jwt: null,
  });

test('renews the certificate of the context, with its key, and says until when it is good', async () => {
  const { folder, certificate } = await home(300);
  const before = new X509Certificate(certificate());
  const answers = { 'certificate.sign': signs() };
  const { code, stdout } = await volt('context renew -o json', { home: folder, answers });
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ name: 'prod', until: '2027-01-01T12:00:00.000Z' });
  const after = new X509Certificate(certificate());
  expect(after.publicKey.equals(before.publicKey)).toBe(true);
  expect(after.validToDate.toISOString()).toBe('2027-01-01T12:00:00.000Z');
});

test('takes no certificate for another key', async () => {
  const { folder, certificate } = await home(300);
  const before = certificate();
  const answers = { 'certificate.sign': signs(makeKey()) };
  expect((await volt('context renew', { home: folder, answers })).code).toBe(1);
  expect(certificate()).toBe(before);
});

test('a socket shows no certificate', async () => {
  const { code, asked } = await volt('--context default context renew');
  expect(code).toBe(2);
  expect(asked).toEqual([]);
});

test.each([
  ['nothing is said of one that is good for long', 290, ''],
  ['one that ends soon is told of', 320, "warning: the certificate of context 'prod' ends on 2026-02-15"],
  ['and one that has ended, with the way out', 400, "warning: the certificate of context 'prod' has ended on"],
])('%s', async (_what, daysAgo, warning) => {
  const { folder } = await home(daysAgo);
  const { stderr } = await volt('node list -o json', { home: folder, answers: { 'node.list': () => [] } });
  expect(stderr.startsWith(warning)).toBe(true);
  if (warning === '') expect(stderr).toBe('');
});
