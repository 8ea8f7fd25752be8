/**
 * Fetches from one store into another until so many bytes have come, says so,
 * and waits to be killed: `node fetch-victim.ts STORE PEER BYTES WANTED`, where
 * the last is what to fetch, as JSON.
 */
import { fetchObjects, serveObjects } from '@volt/agent/store';
import { openStoreAt, signal } from './wired-nodes.ts';

const [folder = '', peerFolder = '', bytes = '0', wanted = '[]'] = process.argv.slice(2);
const [store, peer] = await Promise.all([openStoreAt(folder), openStoreAt(peerFolder)]);
let left = Number(bytes);

async function* until(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    left -= chunk.byteLength;
    if (left < 0) {
      process.stdout.write('waiting\n');
      await new Promise(() => setInterval(() => {}, 1000));
    }
    yield chunk;
  }
}

await fetchObjects({
  store,
  wanted: new Map(JSON.parse(wanted) as [string, number][]),
  peers: [
    {
      name: 'peer',
      fetch: async (digests) => until(serveObjects(peer.objects, digests)),
      fetchRest: async (digest, from) => ({ from, chunks: until(serveObjects(peer.objects, [digest], from)) }),
    },
  ],
  signal,
});
