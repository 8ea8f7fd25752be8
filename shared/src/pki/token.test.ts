import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { VoltError } from '../errors/index.ts';
import { agentMethods } from '../rpc/index.ts';
import { hashSecret, isSecretOf, makeToken, readToken, writeToken } from './token.ts';

const expiresAt = new Date('2026-03-01T12:00:00Z');
const token = makeToken({ controllers: ['192.0.2.1:7444'], fingerprint: 'ab'.repeat(32), expiresAt });
const text = writeToken(token);
const encode = (payload: unknown) => `volt1.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
const good = { c: ['192.0.2.1:7444'], f: 'ab'.repeat(32), i: 'a'.repeat(16), s: 'A'.repeat(43), e: 1 };

test('a token survives being written and read', () => {
  expect(readToken(text)).toEqual(token);
});

test('the longest token fits the shape that the method table asks for', () => {
  const controllers = ['255.255.255.255:65535', '255.255.255.254:65535', '255.255.255.253:65535', '255.255.255.252:1'];
  const longest = writeToken(makeToken({ controllers, fingerprint: 'ab'.repeat(32), expiresAt }));
  expect(agentMethods['cluster.join'].params.shape.token.safeParse(longest).success).toBe(true);
  expect(readToken(longest).controllers).toHaveLength(3);
});

describe('a token is refused as USAGE, without being repeated, when it', () => {
  test.each<[string, string]>([
    ['is empty', ''],
    ['is of another kind', text.replace('volt1', 'volt2')],
    ['is cut short', text.slice(0, -8)],
    ['has a line break', `${text}\n`],
    ['has no JSON inside', `volt1.${Buffer.from('hello, I am no token').toString('base64url')}`],
    ['names no controller', encode({ ...good, c: [] })],
    ['names a controller that is no address', encode({ ...good, c: ['evil.example:7444'] })],
    ['has a short fingerprint', encode({ ...good, f: 'ab' })],
    ['has an id that could leave its key', encode({ ...good, i: '>.>.>.>.>' })],
    ['has a field too many', encode({ ...good, x: 1 })],
    ['has a secret that is a list', encode({ ...good, s: ['A'] })],
    ['is endless', `volt1.${'A'.repeat(2000)}`],
  ])('%s', (_, hostile) => {
    const refuse = () => readToken(hostile);
    expect(refuse).toThrow(expect.objectContaining({ code: 'USAGE' }) as VoltError);
    if (hostile.length > 10) expect(refuse).not.toThrow(hostile.trim());
  });

  test('is any text at all', () => {
    const refuses = (hostile: string) => {
      expect(() => readToken(`volt1.${hostile}`)).toThrow('damaged');
    };
    fc.assert(fc.property(fc.string(), refuses));
  });
});

test('only the secret has its hash', () => {
  expect(isSecretOf(hashSecret(token.secret), token.secret)).toBe(true);
  expect(isSecretOf(hashSecret(token.secret), `${token.secret}x`)).toBe(false);
});
