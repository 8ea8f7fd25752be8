import type { IncomingHttpHeaders } from 'node:http';
import { zstdCompressSync } from 'node:zlib';
import { loopbackAddresses, testAuthority, type TestIdentity } from '@volt/shared/pki/testing';
import { serveImages, type KnownImages } from '@volt/shared/server/testing';
import { expect, onTestFinished, test } from 'vitest';
import { Peers, type Peer } from './index.ts';

const PORT = 7443;
const authority = testAuthority();
const { signal } = new AbortController();
const image = { digest: 'ab'.repeat(32), tree: 'cd'.repeat(32), createdAt: '2026-01-01T00:00:00Z' };

/** Peers n0, n1, … that know these images; undefined is one that is away. Each answers objects with what was asked. */
async function peersWith(all: readonly (KnownImages | undefined)[], identity?: TestIdentity) {
  const addresses = loopbackAddresses(all.length);
  const list: Peer[] = addresses.map((address, index) => ({ name: `n${index}`, address }));
  for (const [index, known] of all.entries()) {
    const address = addresses[index]!;
    if (known === undefined) continue;
    const where = { address, port: PORT, identity: authority.certify(`n${index}`, ['node'], [address]) };
    const server = await serveImages(where, known, (app) => {
      app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
      app.post('/objects', async ({ body }, reply) =>
        body === 'secret' ? reply.code(403).send() : `frames of ${body as string}`,
      );
    });
    onTestFinished(() => server[Symbol.asyncDispose]());
  }
  const peers = new Peers({
    identity: identity ?? authority.certify('me', ['node']),
    port: PORT,
    list: async () => list,
  });
  onTestFinished(() => peers.close());
  return { peers, list };
}

test('an image is found with whoever has it, past those who are away or have it not', async () => {
  const { peers } = await peersWith([undefined, {}, { web: image }]);
  expect(await peers.findImage('web', signal)).toBe(image.digest);
});

test('an image that nobody has is NOT_FOUND', async () => {
  const { peers } = await peersWith([undefined, { web: image }]);
  await expect(peers.findImage('db', signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('in a cluster of one, nobody has it', async () => {
  const { peers } = await peersWith([]);
  await expect(peers.findImage('web', signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

const fetchText = async (peers: Peers, peer: Peer, digests: string[]) =>
  Buffer.concat(await Array.fromAsync(await peers.fetchObjects(peer, digests, signal))).toString();

test('objects are asked for a digest a line', async () => {
  const { peers, list } = await peersWith([{}]);
  expect(await fetchText(peers, list[0]!, ['aa', 'bb'])).toBe('frames of aa\nbb');
});

test('a peer that refuses is PERMISSION, one that is away is NETWORK', async () => {
  const { peers, list } = await peersWith([{}, undefined]);
  await expect(fetchText(peers, list[0]!, ['secret'])).rejects.toMatchObject({ code: 'PERMISSION' });
  await expect(fetchText(peers, list[1]!, ['aa'])).rejects.toMatchObject({ code: 'NETWORK' });
});

test('a peer of another cluster gets no request', async () => {
  const other = testAuthority().certify('me', ['node']);
  const { peers, list } = await peersWith([{ web: image }], other);
  await expect(peers.findImage('web', signal)).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(fetchText(peers, list[0]!, ['aa'])).rejects.toMatchObject({ code: 'NETWORK' });
});

/** A peer whose answers are made by `answer`. */
async function peerAnswering(answer: (headers: IncomingHttpHeaders) => Answer) {
  const [address = ''] = loopbackAddresses(1);
  const where = { address, port: PORT, identity: authority.certify('n0', ['node'], [address]) };
  const server = await serveImages(where, {}, (app) => {
    app.addContentTypeParser('text/plain', { parseAs: 'string' }, (_request, body, done) => done(null, body));
    app.post('/objects', async ({ headers }, reply) => {
      const { status = 200, encoding, body } = answer(headers);
      if (encoding !== undefined) reply.header('content-encoding', encoding);
      return reply.code(status).send(body);
    });
  });
  const list = [{ name: 'n0', address }];
  const peers = new Peers({ identity: authority.certify('me', ['node']), port: PORT, list: async () => list });
  onTestFinished(async () => {
    peers.close();
    await server[Symbol.asyncDispose]();
  });
  return { peers, peer: list[0]! };
}

interface Answer {
  readonly status?: number;
  readonly encoding?: string;
  readonly body: string | Buffer;
}

test('what is packed is unpacked, and an older peer that does not pack is understood', async () => {
  const packing = await peerAnswering((headers) =>
    headers['accept-encoding'] === 'zstd'
      ? { encoding: 'zstd', body: zstdCompressSync('frames') }
      : { status: 400, body: '' },
  );
  expect(await fetchText(packing.peers, packing.peer, ['aa'])).toBe('frames');
  const older = await peerAnswering(() => ({ body: 'frames' }));
  expect(await fetchText(older.peers, older.peer, ['aa'])).toBe('frames');
});

test('an object is gone on with where the peer can, and had anew from an older one', async () => {
  const rest = { digest: 'aa', from: 2 };
  const newer = await peerAnswering(({ range }) => ({ status: range === 'bytes=2-' ? 206 : 200, body: 'ames' }));
  expect((await newer.peers.fetchRest(newer.peer, rest, signal)).from).toBe(2);
  const older = await peerAnswering(() => ({ body: 'frames' }));
  expect((await older.peers.fetchRest(older.peer, rest, signal)).from).toBe(0);
});
