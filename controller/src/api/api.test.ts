import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { connect, type ConnectOptions } from '@volt/shared/client';
import { knock, noHandlers, readOnly, rightsIn } from '@volt/shared/client/testing';
import { ENROLL_PATH, fingerprintOf, keyFingerprint, liveTls, postPinned, RevokedKeys } from '@volt/shared/pki';
import { loopbackAddresses, testAuthority, type TestIdentity } from '@volt/shared/pki/testing';
import { agentMethods, controllerMethods, type ControllerMethods, type Handlers } from '@volt/shared/rpc';
import { AuditTrail, PendingCalls, type Caller } from '@volt/shared/server';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openApi } from './index.ts';

const PORT = 7444;
const authority = testAuthority();
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function open() {
  const folder = mkdtempSync(join(tmpdir(), 'volt-controller-api-'));
  const [address = '', nobody = ''] = loopbackAddresses(2);
  const reached: string[] = [];
  const revoked = new RevokedKeys();
  const audit = new AuditTrail(join(folder, 'audit.log'));
  const live = liveTls(authority.certify('n1', ['node', 'controller'], [address]));
  const api = await openApi({
    handlers: noHandlers<Handlers<ControllerMethods, Caller>>(reached),
    audit,
    pending: new PendingCalls(),
    log: quiet,
    identity: live.tls,
    revoked,
    listen: { address, port: PORT },
    agents: async () => [{ name: 'n9', address: nobody }],
    agentPort: 7443,
  });
  onTestFinished(async () => {
    await api.close();
    await audit.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const target = (identity: TestIdentity) => ({ kind: 'tls', host: address, port: PORT, ...identity }) as const;
  return {
    address,
    reached,
    revoked,
    renew: () => {
      live.use(authority.certify('n1', ['node', 'controller'], [address]));
      api.renewed();
      return new X509Certificate(live.tls.cert).serialNumber;
    },
    shown: () => shownAt(address),
    as: (identity: TestIdentity, options: ConnectOptions = {}) => {
      const client = connect(target(identity), controllerMethods, options);
      onTestFinished(() => client.close());
      return client;
    },
    agentAs: (identity: TestIdentity, node: string) => {
      const client = connect(target(identity), agentMethods, { node });
      onTestFinished(() => client.close());
      return client;
    },
  };
}

/** The serial number of what a stranger is shown. */
function shownAt(host: string): Promise<string | undefined> {
  const socket = tlsConnect({ host, port: PORT, ca: authority.ca, servername: '' });
  return new Promise<string | undefined>((resolve, reject) => {
    socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()?.serialNumber));
    socket.once('error', reject);
  }).finally(() => socket.destroy());
}

const openToReaders = rightsIn(controllerMethods, readOnly);
const closedToReaders = Object.keys(openToReaders).filter((name) => openToReaders[name] === 'refused');

test('a certificate of an admin is let in everywhere', async () => {
  const { as } = await open();
  expect(await knock(as(authority.certify('root', ['admin'])), controllerMethods)).toEqual(
    rightsIn(controllerMethods, () => true),
  );
});

test('a certificate of a node may look and do no more', async () => {
  const { as, reached } = await open();
  expect(closedToReaders).toContain('deploy.apply');
  expect(await knock(as(authority.certify('n2', ['node'])), controllerMethods)).toEqual(openToReaders);
  expect(reached.filter((name) => closedToReaders.includes(name))).toEqual([]);
});

test('a certificate of another CA is not known', async () => {
  const { as, reached } = await open();
  const stranger = { ...testAuthority().certify('root', ['admin']), ca: authority.ca };
  const everyRow = rightsIn(controllerMethods, () => false);
  expect(await knock(as(stranger), controllerMethods)).toEqual(everyRow);
  expect(reached).toEqual([]);
});

test('a certificate whose key was revoked is not known, on a connection that is open already', async () => {
  const { as, reached, revoked } = await open();
  const member = authority.certify('n3', ['node']);
  const client = as(member);
  expect(await knock(client, controllerMethods)).toEqual(openToReaders);
  const before = reached.length;
  revoked.replace([keyFingerprint(new X509Certificate(member.cert).publicKey)]);
  expect(await knock(client, controllerMethods)).toEqual(rightsIn(controllerMethods, () => false));
  expect(reached).toHaveLength(before);
});

test('a renewed certificate is shown to whoever comes, and connections that are open go on', async () => {
  const { as, renew, shown } = await open();
  const client = as(authority.certify('n2', ['node']));
  expect(await knock(client, controllerMethods)).toEqual(openToReaders);
  const before = await shown();
  const serial = renew();
  expect(serial).not.toBe(before);
  expect(await shown()).toBe(serial);
  expect(await knock(client, controllerMethods)).toEqual(openToReaders);
});

test('a certificate that ends is not known from then on, on a connection that is open already', async () => {
  const { as, reached } = await open();
  const client = as(authority.certify('n3', ['node']));
  expect(await knock(client, controllerMethods)).toEqual(openToReaders);
  const before = reached.length;
  const later = Date.now() + 2 * 365 * 86_400_000;
  using _clock = vi.spyOn(Date, 'now').mockReturnValue(later);
  expect(await knock(client, controllerMethods)).toEqual(rightsIn(controllerMethods, () => false));
  expect(reached).toHaveLength(before);
});

/** What somebody without a certificate hears at the door for those who want to join. */
const enrol = (host: string, method: string): Promise<string> =>
  postPinned({
    host,
    port: PORT,
    fingerprint: fingerprintOf(authority.ca),
    path: ENROLL_PATH,
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }),
    signal: new AbortController().signal,
  });

test('without a certificate there is enrolment and nothing else', async () => {
  const { address, reached } = await open();
  for (const method of Object.keys(controllerMethods).filter((name) => name !== 'cluster.enroll')) {
    expect(await enrol(address, method)).toContain('Unknown method');
  }
  expect(await enrol(address, 'cluster.enroll')).not.toContain('Unknown method');
  expect(reached).toEqual([]);
});

test('an agent that is not in the cluster is NOT_FOUND, one that is away is NETWORK', async () => {
  const { agentAs } = await open();
  const admin = authority.certify('root', ['admin']);
  await expect(agentAs(admin, 'n8').call('system.info', {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
  await expect(agentAs(admin, 'n9').call('system.info', {})).rejects.toMatchObject({ code: 'NETWORK' });
});
