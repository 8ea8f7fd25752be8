import { loopbackAddresses, testAuthority } from '@volt/shared/pki/testing';
import { serveImages, type KnownImages } from '@volt/shared/server/testing';
import { expect, onTestFinished, test } from 'vitest';
import { imageResolver } from './resolve-image.ts';

const PORT = 7443;
const authority = testAuthority();
const old = { digest: 'aa'.repeat(32), tree: 'bb'.repeat(32), createdAt: '2026-01-01T00:00:00Z' };
const fresh = { digest: 'cc'.repeat(32), tree: 'dd'.repeat(32), createdAt: '2026-02-01T00:00:00Z' };

/** Agents that know these images; undefined is one that is away. */
async function resolverOver(all: readonly (KnownImages | undefined)[]) {
  const addresses = loopbackAddresses(all.length);
  for (const [index, known] of all.entries()) {
    const address = addresses[index]!;
    if (known === undefined) continue;
    const where = { address, port: PORT, identity: authority.certify(`n${index}`, ['node'], [address]) };
    const server = await serveImages(where, known);
    onTestFinished(() => server[Symbol.asyncDispose]());
  }
  return imageResolver({
    identity: authority.certify('n0', ['node', 'controller']),
    agentPort: PORT,
    agents: async () => addresses.map((address, index) => ({ name: `n${index}`, address })),
  });
}

test('of two images of one name, the one that was made last is meant', async () => {
  const resolve = await resolverOver([{ web: old }, { web: fresh }, { web: old }]);
  expect(await resolve('web')).toEqual({ manifest: fresh.digest, tree: fresh.tree });
});

test('agents that are away or have it not are no reason to give up', async () => {
  const resolve = await resolverOver([undefined, {}, { web: old }]);
  expect(await resolve('web')).toEqual({ manifest: old.digest, tree: old.tree });
});

test('an image that nobody has is NOT_FOUND', async () => {
  const resolve = await resolverOver([undefined, { web: old }]);
  await expect(resolve('db')).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
