/** Who may not: every method of both tables, tried by callers who should get nowhere, over ports of the network. */
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { rpcCode } from '@volt/shared/errors';
import {
  ENROLL_PATH,
  issue,
  makeAuthority,
  makeKey,
  makeRequest,
  NATS_PORT,
  readToken,
  writeToken,
  type JoinToken,
  type KeyAndCertificate,
  type Subject,
} from '@volt/shared/pki';
import { agentMethods, controllerMethods, type AnyMethod, type MethodTable } from '@volt/shared/rpc';
import { SPEAKS_FOR_HEADER, speakFor } from '@volt/shared/server';
import { STREAM_CONTENT_TYPE } from '@volt/shared/wire';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventually, formCluster, voltJson } from '../cluster/index.ts';
import type { Lab } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { applyWeb, importWeb, instancesOf, mend, running, untilServing } from './cluster-web.ts';
import { Tunnel } from './cluster-tunnel.ts';
import { fileOf } from './cluster-view.ts';

const WEB = { name: 'web', replicas: 3 };
const REFUSED = rpcCode('PERMISSION');
const UNKNOWN_METHOD = -32601;

/** What would do harm if it were let through. Every method that changes something is here. */
const harm: Record<string, object> = {
  'container.create': { name: 'intruder', image: 'hello' },
  'container.run': { name: 'intruder', image: 'hello' },
  'container.start': { name: 'web-0' },
  'container.stop': { name: 'web-0' },
  'container.restart': { name: 'web-0' },
  'container.delete': { name: 'web-0', force: true },
  'container.kill': { name: 'web-0' },
  'container.pause': { name: 'web-0' },
  'container.resume': { name: 'web-0' },
  'container.prune': {},
  'container.rename': { name: 'web-0', to: 'intruder' },
  'container.update': { name: 'web-0', memory: '32M' },
  'container.exec': { name: 'web-0', command: ['true'] },
  'container.attach': { name: 'web-0' },
  'container.runAttached': { name: 'intruder', image: 'hello', tty: true },
  'container.look': { name: 'web-0', path: '/etc/shadow' },
  'container.pack': { name: 'web-0', path: '/etc', as: 'etc' },
  'container.unpack': { name: 'web-0', path: '/etc' },
  'container.diff': { name: 'web-0' },
  'container.export': { name: 'web-0' },
  'container.commit': { name: 'web-0', image: 'intruder' },
  'container.clone': { name: 'web-0', to: 'intruder' },
  'volume.create': { name: 'intruder' },
  'volume.delete': { name: 'data' },
  'volume.prune': {},
  'volume.clone': { name: 'data', to: 'intruder' },
  'volume.export': { name: 'data' },
  'volume.import': { name: 'intruder' },
  'image.build': { name: 'intruder' },
  'image.import': { name: 'intruder' },
  'image.pull': { reference: 'hello' },
  'image.push': { name: 'hello', reference: 'registry.invalid/hello' },
  'image.export': { name: 'hello' },
  'image.tag': { source: 'hello', target: 'intruder' },
  'image.untag': { name: 'hello' },
  'image.prune': {},
  'image.verify': { name: 'hello' },
  'secret.create': { name: 'intruder' },
  'secret.update': { name: 'password' },
  'secret.delete': { name: 'password' },
  'config.create': { name: 'intruder' },
  'config.update': { name: 'settings' },
  'config.delete': { name: 'settings' },
  'registry.login': { host: 'registry.invalid', username: 'intruder', password: 'guess' },
  'registry.logout': { host: 'registry.invalid' },
  'image.delete': { name: 'hello' },
  'cas.verify': {},
  'cas.repair': {},
  'cas.gc': {},
  'cas.build': { path: '/etc' },
  'cas.get': { object: 'hello' },
  'cas.put': { pin: true },
  'cas.pin': { object: 'hello' },
  'cas.unpin': { object: 'hello' },
  'cluster.init': { address: '10.99.0.1' },
  'cluster.join': { controller: '10.99.0.1:7444', token: `volt1.${'a'.repeat(40)}`, address: '10.99.0.1' },
  'cluster.leave': { force: true },
  'certificate.renew': {},
  'cluster.token': {},
  'node.delete': { name: 'node2', force: true },
  'deploy.apply': { workloads: [{ name: 'web', image: 'hello', replicas: 0 }] },
  'deploy.scale': { name: 'web', replicas: 0 },
  'deploy.delete': { name: 'web' },
};

interface Certificate {
  readonly cert: string;
  readonly key: string;
}

interface Ask {
  readonly port: number;
  readonly method: string;
  readonly params?: object | undefined;
  readonly isStream?: boolean;
  readonly prefix?: string;
  readonly headers?: Record<string, string>;
  readonly identity?: Certificate | undefined;
}

/** What came of it: an HTTP status, an error's code, 'allowed', or that there was no connection at all. */
type Answer = number | 'allowed' | 'no connection';

let authority: KeyAndCertificate;
let ports: { readonly agent: number; readonly controller: number };

async function ask({ port, method, params = {}, isStream = false, prefix = '', ...by }: Ask): Promise<Answer> {
  const request = httpsRequest({
    host: '127.0.0.1',
    port,
    path: `${prefix}/${isStream ? 'stream' : 'rpc'}`,
    method: 'POST',
    headers: { 'content-type': isStream ? STREAM_CONTENT_TYPE : 'application/json', ...by.headers },
    agent: false,
    ca: authority.certificate,
    servername: '',
    ...by.identity,
  });
  request.on('error', () => {});
  request.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })}\n`);
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) return response.statusCode ?? 0;
    // One line tells: the answer, or the first event of somebody who was let in.
    for await (const chunk of response) {
      const { error } = JSON.parse(String(chunk).split('\n')[0]!) as { error?: { code: number } };
      return error?.code ?? 'allowed';
    }
    return 'allowed';
  } catch {
    return 'no connection';
  } finally {
    request.destroy();
  }
}

function certify(by: KeyAndCertificate, roles: Subject['roles'], now = new Date()): Certificate {
  const key = makeKey();
  return { key, cert: issue(by, createPublicKey(key), { name: 'stranger', roles, addresses: [] }, now) };
}

const rows = (table: MethodTable): [string, AnyMethod][] => Object.entries(table);
const isChange = ({ permission }: AnyMethod): boolean => permission !== 'public' && !permission.endsWith(':read');

/** Tries every row, with what would do harm where it could. */
async function askAll(
  side: 'agent' | 'controller',
  { mayRead = false, ...by }: Pick<Ask, 'identity' | 'headers' | 'prefix'> & { readonly mayRead?: boolean },
  table: MethodTable = side === 'agent' ? agentMethods : controllerMethods,
): Promise<Map<string, Answer>> {
  const answers = new Map<string, Answer>();
  for (const [method, row] of rows(table)) {
    const isStream = row.event !== undefined;
    // Open until somebody closes it, for those who may: there is no answer to wait for.
    if (isStream && !isChange(row) && mayRead) continue;
    answers.set(method, await ask({ port: ports[side], method, params: harm[method], isStream, ...by }));
  }
  return answers;
}

/** All of what a stranger might want to change. */
async function world(lab: Lab): Promise<unknown> {
  const [one] = lab.nodes;
  const nodes = await voltJson<{ name: string; roles: string[] }[]>(one!, ['node', 'list']);
  return {
    workloads: await voltJson(one!, ['deploy', 'list']),
    instances: await instancesOf(one!, WEB.name),
    nodes: nodes.map(({ name, roles }) => ({ name, roles })),
    running: await Promise.all(lab.nodes.map(running)),
    containers: await Promise.all(lab.nodes.map((node) => voltJson(node, ['container', 'list']))),
    images: await Promise.all(lab.nodes.map((node) => voltJson(node, ['image', 'list']))),
  };
}

let before: unknown;
let brief: JoinToken;

async function tokenFor(lab: Lab, ttl: string): Promise<JoinToken> {
  return readToken((await voltJson<{ join: string }>(lab.node(1), ['cluster', 'token', '--ttl', ttl])).join);
}

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  await importWeb(lab.node(1));
  await applyWeb(lab.node(1), WEB);
  await untilServing(lab.node(1), WEB);
  authority = { certificate: await fileOf(lab.node(1), 'authority'), key: await fileOf(lab.node(1), 'authorityKey') };
  ports = { agent: await lab.hostPort('agent', 2), controller: await lab.hostPort('controller', 2) };
  before = await world(lab);
  brief = await tokenFor(lab, '10');
});

afterAll(async () => mend(await openTestLab()));

test('every method that changes something is tried, with parameters that would do it', () => {
  for (const [method, row] of [...rows(agentMethods), ...rows(controllerMethods)].filter(([, one]) => isChange(one))) {
    expect({ method, valid: row.params.safeParse(harm[method]).success }).toEqual({ method, valid: true });
  }
});

const YEARS_AGO = new Date(Date.now() - 2 * 365 * 86_400_000);

describe.each([
  ['nobody has signed', () => undefined],
  ['another CA has signed', () => certify(makeAuthority('volt', new Date()), ['admin', 'controller'])],
  ['has expired', () => certify(authority, ['admin'], YEARS_AGO)],
])('a caller whose certificate %s', (_what, identify) => {
  test(
    'gets nowhere, whatever it asks',
    withEvidence('strangers', async (lab) => {
      const identity = identify();
      for (const answer of (await askAll('agent', { identity })).values()) expect(answer).toBe('no connection');
      const prefixes = ['', '/nodes/node1'];
      for (const prefix of prefixes) {
        const table = prefix === '' ? controllerMethods : agentMethods;
        for (const answer of (await askAll('controller', { identity, prefix }, table)).values())
          expect(answer).toBe(401);
      }
      expect(await world(lab)).toEqual(before);
    }),
  );
});

test('the same questions of an admin are answered', async () => {
  const identity = certify(authority, ['admin']);
  expect(await ask({ port: ports.agent, method: 'container.list', identity })).toBe('allowed');
  expect(await ask({ port: ports.controller, method: 'cluster.token', identity })).toBe('allowed');
  expect(await ask({ port: ports.controller, method: 'container.list', prefix: '/nodes/node1', identity })).toBe(
    'allowed',
  );
});

interface Lesser {
  readonly what: string;
  readonly roles: Subject['roles'];
  readonly headers?: Record<string, string>;
  readonly expected: { readonly read: Answer | undefined; readonly change: Answer };
}

/** `read: undefined` is anything but a refusal. */
const lesser: readonly Lesser[] = [
  { what: 'no role', roles: [], expected: { read: REFUSED, change: REFUSED } },
  { what: 'the role reader', roles: ['reader'], expected: { read: undefined, change: REFUSED } },
  { what: 'the role node', roles: ['node'], expected: { read: undefined, change: REFUSED } },
  {
    what: 'the role node, speaking for an admin,',
    roles: ['node'],
    headers: { [SPEAKS_FOR_HEADER]: admin() },
    expected: { read: undefined, change: REFUSED },
  },
  {
    what: 'the role reader, speaking for an admin,',
    roles: ['reader'],
    headers: { [SPEAKS_FOR_HEADER]: admin() },
    expected: { read: 401, change: 401 },
  },
];

describe.each(lesser)('a caller with $what', ({ roles, headers = {}, expected }) => {
  test(
    'changes nothing, and reads only what its role may',
    withEvidence('lesser roles', async (lab) => {
      const by = { identity: certify(authority, roles), headers, mayRead: expected.read === undefined };
      const asked = [
        [agentMethods, await askAll('agent', by)],
        [controllerMethods, await askAll('controller', by)],
        [agentMethods, await askAll('controller', { ...by, prefix: '/nodes/node1' }, agentMethods)],
      ] as const;
      for (const [table, answers] of asked) {
        for (const [method, answer] of answers) {
          const row = rows(table).find(([name]) => name === method)![1];
          if (isChange(row)) expect({ method, answer }).toEqual({ method, answer: expected.change });
          else if (row.permission !== 'public' && expected.read !== undefined)
            expect({ method, answer }).toEqual({ method, answer: expected.read });
          else expect({ method, answer }).not.toEqual({ method, answer: REFUSED });
        }
      }
      expect(await world(lab)).toEqual(before);
    }),
  );
});

function admin(): string {
  return speakFor({ name: 'admin', uid: null, roles: ['admin'] });
}

test(
  'without a certificate only enrolling can be asked for, and only a good token helps',
  withEvidence('bad tokens', async (lab) => {
    const prefix = ENROLL_PATH.replace(/\/rpc$/, '');
    for (const [method, answer] of await askAll('controller', { prefix })) {
      if (method !== 'cluster.enroll') expect({ method, answer }).toEqual({ method, answer: UNKNOWN_METHOD });
    }
    const enroll = (token: string, certificateRequest: string) => {
      const who = { node: 'intruder', address: '10.99.0.77', role: 'auto', userKey: `U${'A'.repeat(55)}` };
      const params = { token, certificateRequest, ...who };
      return ask({ port: ports.controller, method: 'cluster.enroll', params, prefix });
    };
    const good = await tokenFor(lab, '600');
    const request = makeRequest(makeKey());
    const bad = [
      { ...good, secret: `${good.secret.slice(0, -2)}AA` },
      { ...good, id: 'feedfacefeedface' },
      { ...good, fingerprint: '0'.repeat(64) },
      { ...good, id: brief.id },
    ];
    for (const token of bad) expect(await enroll(writeToken(token), request)).toBe(REFUSED);
    // With a request that is none, a token that is good gets as far as being told so, and no further.
    expect(await enroll(writeToken(good), 'none')).toBe(rpcCode('USAGE'));
    await eventually('the brief one has expired', async () => {
      return (await enroll(writeToken(brief), 'none')) === REFUSED;
    });
    expect(await world(lab)).toEqual(before);
  }),
);

test(
  'NATS lets in nobody without a certificate of the cluster and credentials of its account',
  withEvidence('strangers at nats', async (lab) => {
    const tunnel = await Tunnel.open(lab.node(2), NATS_PORT);
    const credentials = new TextEncoder().encode(await fileOf(lab.node(2), 'credentials'));
    const member = { cert: await fileOf(lab.node(2), 'certificate'), key: await fileOf(lab.node(2), 'key') };
    const enter = async (tls: Partial<Certificate>, creds?: Uint8Array) => {
      const connection = await connect({
        servers: `127.0.0.1:${tunnel.port}`,
        tls: { ca: authority.certificate, ...tls, handshakeFirst: true },
        ...(creds === undefined ? {} : { authenticator: credsAuthenticator(creds) }),
        reconnect: false,
        timeout: 5000,
      });
      await connection.close();
      return 'let in';
    };
    try {
      expect(await enter(member, credentials)).toBe('let in');
      await expect(enter({}, credentials)).rejects.toThrow();
      await expect(enter(certify(makeAuthority('volt', new Date()), ['node']), credentials)).rejects.toThrow();
      await expect(enter(certify(authority, ['node'], YEARS_AGO), credentials)).rejects.toThrow();
      await expect(enter(member)).rejects.toThrow(/Authorization Violation/i);
    } finally {
      await tunnel.close();
    }
  }),
);
