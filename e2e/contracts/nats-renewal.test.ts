/** Renewed certificates and credentials in use: on a server that runs, and on a line that is up. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { connect as tlsConnect } from 'node:tls';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { ClusterConnection } from '@volt/shared/kv';
import { aNode } from '@volt/shared/kv/testing';
import { issue, makeAuthority, NATS_PORT, routeFiles, type KeyAndCertificate } from '@volt/shared/pki';
import { connected } from './connected.ts';
import { NatsCluster, type TestIdentity } from './nats-cluster.ts';
import { keeperOf } from './nats-keeper.ts';

let cluster: NatsCluster;
let one: TestIdentity;
let line: ClusterConnection;

const patient = { timeout: 60_000, interval: 500 };
const LIFE = { seconds: 1234 };

beforeAll(async () => {
  cluster = await NatsCluster.open();
  one = await cluster.startController(1);
  line = await cluster.connect(one, 'controller');
  const keeper = keeperOf(cluster, one, () => 1);
  await vi.waitFor(async () => {
    await keeper.pass().catch(() => {});
    await line.buckets.prepare(1);
  }, patient);
});

afterAll(() => cluster.close());

/** The node's certificate made anew, by the cluster's CA or another. */
function renewed(by: KeyAndCertificate = cluster.authority): { ca: string; cert: string; key: string } {
  const { config, ca, key } = one;
  const subject = {
    name: config.node,
    roles: ['node', 'controller'] as const,
    addresses: [config.address, '127.0.0.1'],
  };
  return { ca, cert: issue(by, createPublicKey(key), subject, { now: new Date(), ...LIFE }) + ca, key };
}

/** When what clients are shown at the server's door ends. */
async function shown(): Promise<Date | undefined> {
  const { ca, cert, key, config } = one;
  const socket = tlsConnect({ host: config.address, port: NATS_PORT, ca, cert, key, servername: '' });
  try {
    return await new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()?.validToDate));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
  }
}

test('a server that reads its files again shows the renewed certificate, and its clients come back', async () => {
  const { node, address } = one.config;
  const { cert } = renewed();
  const before = await cluster.log(node, 'nats');
  await writeFile(cluster.path(node, 'certificate'), cert);
  const again = { node, address, key: one.key };
  await writeFile(
    cluster.path(node, 'routesCertificate'),
    routeFiles(cluster.nats, again, new Date()).routesCertificate,
  );
  cluster.reload(node, 'nats');
  await expect.poll(() => shown(), patient).toEqual(new X509Certificate(cert).validToDate);
  // In operator mode each reload asks clients to come in again, which ours do by themselves.
  await expect
    .poll(() => line.kv.put('nodes', 'node9', aNode('node9')).catch(() => 'away'), patient)
    .toEqual(expect.any(Number));
  const said = (await cluster.log(node, 'nats')).slice(before.length);
  expect(said).toContain('Reloaded: tls');
  expect(said).toContain('Reloaded: cluster');
});

test('a line goes on with renewed credentials, and no call fails meanwhile', async () => {
  await connected(line);
  const rings = vi.fn<() => void>();
  const ended = new AbortController();
  line.kv.watch('nodes', undefined, rings, ended.signal);
  const failures: unknown[] = [];
  const over = new AbortController();
  let calls = 0;
  const calling = (async () => {
    // A line that is down fails at once: one failure is enough.
    while (!over.signal.aborted && failures.length === 0) {
      calls += 1;
      await line.kv.put('nodes', 'node9', aNode('node9')).catch((thrown) => failures.push(thrown));
    }
  })();
  const credentials = await cluster.credentials('controller', one.config.node);
  for (let times = 0; times < 5; times += 1) await line.renew({ tls: renewed(), credentials });
  over.abort();
  await calling;
  expect(failures).toEqual([]);
  expect(calls).toBeGreaterThan(0);
  rings.mockClear();
  await line.kv.put('nodes', 'node9', { ...aNode('node9'), version: 'later' });
  await expect.poll(() => rings.mock.calls.length).toBeGreaterThan(0);
  ended.abort();
});

test('a line that is refused with something else stays as it is', async () => {
  await connected(line);
  const credentials = await cluster.credentials('controller', one.config.node);
  const foreign = renewed(makeAuthority('test', new Date()));
  await expect(line.renew({ tls: foreign, credentials })).rejects.toThrow();
  expect(line.isConnected()).toBe(true);
  await line.kv.put('nodes', 'node9', aNode('node9'));
  // What it dials with from here on is what was good.
  await line.renew({ tls: renewed(), credentials });
  expect(line.isConnected()).toBe(true);
});
