import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sourceOf } from './policy.ts';

const mirrors = { debian: 'http://m/debian', security: 'http://s/debian-security' };

test.each([
  ['/debian/dists/trixie/InRelease', 'http://m/debian/dists/trixie/InRelease', false],
  [
    '/debian-security/dists/trixie-security/InRelease',
    'http://s/debian-security/dists/trixie-security/InRelease',
    false,
  ],
  ['/debian/pool/main/g/g%2b%2b/g++_14_amd64.deb', 'http://m/debian/pool/main/g/g%2b%2b/g++_14_amd64.deb', true],
  ['/debian/dists/trixie/main/by-hash/SHA256/0a1b', 'http://m/debian/dists/trixie/main/by-hash/SHA256/0a1b', true],
  ['/debian/dists/trixie/main/by-hash/MD5Sum/0a1b', 'http://m/debian/dists/trixie/main/by-hash/MD5Sum/0a1b', false],
])('%s is forwarded', (path, url, isImmutable) => expect(sourceOf(path, mirrors)).toEqual({ url, isImmutable }));

test.each([
  '',
  '/',
  '/debian',
  '/debian/',
  '/ubuntu/dists',
  '/debian-other/x',
  '/debian/../etc/passwd',
  '/debian/a/../../b',
  '/debian/%2e%2e/b',
  '/debian/%2E./b',
  '/debian/a%2fb',
  '/debian/%zz',
  '/debian/a?b=c',
  '/debian/a#b',
  '/debian/a\r\nb',
  'http://elsewhere/debian/a',
  '//elsewhere/debian/a',
  `/debian/${'a'.repeat(1024)}`,
])('%j is refused', (path) => expect(sourceOf(path, mirrors)).toBeUndefined());

test('whatever is asked, the answer is below one of the two trees', () => {
  const piece = fc.constantFrom('debian', 'debian-security', '..', '.', '%2e%2e', '%2f', 'pool', 'a.deb', '', '@', ':');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
      const source = sourceOf(`/${pieces.join('/')}`, mirrors);
      if (source === undefined) return;
      expect(new URL(source.url).href).toMatch(/^http:\/\/(m\/debian|s\/debian-security)\/./);
    }),
  );
});
