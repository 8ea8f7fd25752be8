/** Joining over real TLS: what a machine believes, what it says to whom, and what a controller answers. */
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server } from 'node:net';
import { createServer as createTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnroll, type RemovalPorts } from '@volt/controller/enroll';
import { permissionsFor, systemClock } from '@volt/shared/kv';
import type { Member, TokenRecord } from '@volt/shared/model';
import {
  credentialsText,
  ENROLL_PATH,
  fingerprintOf,
  issue,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeRequest,
  makeUserKey,
  postPinned,
  signUser,
  withControllers,
  type KeyAndCertificate,
} from '@volt/shared/pki';

const now = () => new Date();
const authority = makeAuthority('test', now());
const otherAuthority = makeAuthority('test', now());
const { signal } = new AbortController();
const SECRET = 'the token';

const servers: Server[] = [];
afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

type Role = 'node' | 'controller';

/** A certificate and the chain to show with it. */
function shown(by: KeyAndCertificate, roles: readonly Role[], options: { address?: string; at?: Date } = {}) {
  const { address = '127.0.0.1', at = now() } = options;
  const key = makeKey();
  const cert = issue(by, createPublicKey(key), { name: 'node1', roles, addresses: [address] }, at);
  return { key, cert: cert + by.certificate };
}

const post = (port: number, fingerprint = fingerprintOf(authority.certificate)) =>
  postPinned({ host: '127.0.0.1', port, fingerprint, path: ENROLL_PATH, body: SECRET, signal });

describe('a machine that joins says nothing to', () => {
  const honest = shown(authority, ['controller']);
  const forged = shown(otherAuthority, ['controller']);
  const liars: Record<string, { key: string; cert: string }> = {
    'a server of another CA': shown(otherAuthority, ['controller']),
    'a server of another CA that shows the right one too': {
      key: forged.key,
      cert: forged.cert.replace(otherAuthority.certificate, authority.certificate),
    },
    'a node that is no controller': shown(authority, ['node']),
    'a controller whose certificate is for another address': shown(authority, ['controller'], { address: '192.0.2.1' }),
    'a controller whose certificate has expired': shown(authority, ['controller'], { at: new Date('2020-01-01') }),
  };

  test.each(Object.keys(liars))('%s', async (name) => {
    const heard: Buffer[] = [];
    const port = await listen(
      createTls(liars[name]!, (socket) => socket.on('data', (data) => heard.push(Buffer.from(data)))),
    );
    await expect(post(port)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(Buffer.concat(heard)).toHaveLength(0);
  });

  test('a server that speaks no TLS', async () => {
    const heard: Buffer[] = [];
    const server = createTcp((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        heard.push(Buffer.from(data));
        socket.end('HTTP/1.1 200 OK\r\n\r\n');
      });
    });
    await expect(post(await listen(server))).rejects.toMatchObject({ code: 'NETWORK' });
    expect(Buffer.concat(heard).toString('latin1')).not.toContain(SECRET);
  });

  test('nobody', async () => {
    const server = createTcp();
    const port = await listen(server);
    server.close();
    await expect(post(port)).rejects.toMatchObject({ code: 'NETWORK' });
  });

  test('but it does to a controller of the right CA', async () => {
    const heard: string[] = [];
    const server = createHttps(honest, (request, response) => {
      request.on('data', (data) => heard.push(String(data)));
      request.on('end', () => response.end('welcome'));
    });
    expect(await post(await listen(server))).toBe('welcome');
    expect(heard).toEqual([SECRET]);
  });
});

test('an answer without end is not read to its end', async () => {
  const server = createHttps(shown(authority, ['controller']), (_, response) => {
    const more = () => {
      while (response.write(Buffer.alloc(65_536)));
      response.once('drain', more);
    };
    response.on('error', () => {});
    more();
  });
  await expect(post(await listen(server))).rejects.toMatchObject({ code: 'NETWORK' });
});

describe('a controller that is asked to take somebody in', () => {
  const members = new Map<string, Member>();
  const tokens = new Map<string, TokenRecord>();
  let turn: Awaited<ReturnType<RemovalPorts['turns']['get']>>;
  let enroll: ReturnType<typeof createEnroll>;
  let at = now();

  beforeAll(async () => {
    const nats = await makeNatsAuthority('test', permissionsFor, now());
    const user = makeUserKey();
    const grant = { role: 'controller', node: 'node1', publicKey: user.publicKey } as const;
    const creds = credentialsText(await signUser(nats, grant, now()), user.seed);
    const address = '192.0.2.1';
    const self = { cluster: 'test', node: 'node1', address, subnet: '10.1.0.0/24', range: '10.1.0.0/16' };
    const ports: RemovalPorts = {
      identity: {
        config: withControllers({ ...self, roles: ['agent', 'controller'] }, [{ node: 'node1', address }]),
        ca: authority.certificate,
        ...shown(authority, ['node', 'controller']),
        creds,
        controller: { creds, authority, nats },
      },
      members: {
        list: async () => [...members.values()],
        create: async (member) => void members.set(member.node, member),
        update: async (member) => void members.set(member.node, member),
        // Each is through with its join when the next one asks.
        settled: async () => new Set(members.keys()),
        delete: async ({ node }) => void members.delete(node),
      },
      revoked: { list: async () => [], has: async () => false, add: async () => {}, delete: async () => {} },
      traces: { look: async () => undefined, forget: async () => {} },
      copies: async () => 1,
      turns: {
        get: async () => turn,
        set: async ({ node, server }) => void (turn = { node, server, revision: (turn?.revision ?? 0) + 1 }),
      },
      meta: {
        state: async () => ({ leader: 'node1', current: ['node1', 'node1.witness'], peers: [], size: 2 }),
        reachable: async () => [],
        stepDown: async () => {},
        remove: async () => {},
      },
      clock: systemClock,
      tokens: {
        put: async (id, token) => void tokens.set(id, token),
        get: async (id) => tokens.get(id),
        list: async () => [...tokens].map(([id, token]) => ({ id, token })),
        delete: async (id) => void tokens.delete(id),
      },
      now: () => at,
    };
    enroll = createEnroll(ports);
  });

  const request = (token: string, node: string, key = makeKey()) => ({
    token,
    node,
    address: `192.0.2.${10 + Number(node.replace(/\D/g, ''))}`,
    role: 'auto' as const,
    certificateRequest: makeRequest(key),
    userKey: makeUserKey().publicKey,
  });

  test('takes two more as controllers and the others as agents, each with a subnet of its own', async () => {
    const { join } = await enroll.makeToken({ ttl: 600, role: 'auto' });
    const answers = [];
    for (const node of ['node2', 'node3', 'node4', 'node5']) answers.push(await enroll.enroll(request(join, node)));
    expect(answers.map(({ roles }) => roles.includes('controller'))).toEqual([true, true, false, false]);
    const subnets = ['10.1.1.0/24', '10.1.2.0/24', '10.1.3.0/24', '10.1.4.0/24'];
    expect(answers.map(({ subnet }) => subnet)).toEqual(subnets);
    expect(Object.keys(answers[2]!.files).toSorted()).toEqual(['ca.crt', 'node.jwt']);
    expect(Object.keys(answers[0]!.files)).toContain('ca.key');
  });

  test('gives the same key the same answer again, and the name to no other key', async () => {
    const { join } = await enroll.makeToken({ ttl: 600, role: 'auto' });
    const key = makeKey();
    const first = await enroll.enroll(request(join, 'node6', key));
    const again = await enroll.enroll(request(join, 'node6', key));
    expect([again.subnet, again.roles]).toEqual([first.subnet, first.roles]);
    await expect(enroll.enroll(request(join, 'node6'))).rejects.toMatchObject({ code: 'ALREADY_EXISTS' });
  });

  test('keeps no secret of a token', async () => {
    const { join } = await enroll.makeToken({ ttl: 600, role: 'auto' });
    const { s } = JSON.parse(Buffer.from(join.slice(6), 'base64url').toString()) as { s: string };
    expect(JSON.stringify([...tokens])).not.toContain(s);
  });

  test('makes no controller with a token for agents', async () => {
    const { join } = await enroll.makeToken({ ttl: 600, role: 'agent' });
    const asked = { ...request(join, 'node7'), role: 'controller' as const };
    await expect(enroll.enroll(asked)).rejects.toMatchObject({ code: 'PERMISSION' });
    expect((await enroll.enroll(request(join, 'node7'))).roles).toEqual(['agent']);
  });

  const altered = (join: string, change: (payload: Record<string, unknown>) => void) => {
    const payload = JSON.parse(Buffer.from(join.slice(6), 'base64url').toString()) as Record<string, unknown>;
    change(payload);
    return `volt1.${Buffer.from(JSON.stringify(payload)).toString('base64url')}`;
  };
  const hostile: Record<string, { change: (join: string) => string; code: string; message: string }> = {
    'that is cut short': { change: (join) => join.slice(0, -9), code: 'USAGE', message: 'damaged' },
    'for another CA': {
      change: (join) => altered(join, (payload) => (payload['f'] = 'ab'.repeat(32))),
      code: 'PERMISSION',
      message: 'another cluster',
    },
    'with a wrong secret': {
      change: (join) => altered(join, (payload) => (payload['s'] = 'A'.repeat(43))),
      code: 'PERMISSION',
      message: 'not valid here',
    },
    'that was never made': {
      change: (join) => altered(join, (payload) => (payload['i'] = '0'.repeat(16))),
      code: 'PERMISSION',
      message: 'not valid here',
    },
  };
  test.each(Object.keys(hostile))('refuses a token %s, and records nobody', async (name) => {
    const { change, code, message } = hostile[name]!;
    const { join } = await enroll.makeToken({ ttl: 600, role: 'auto' });
    const before = members.size;
    const asked = enroll.enroll(request(change(join), 'node99'));
    await expect(asked).rejects.toMatchObject({ code, message: expect.stringContaining(message) as string });
    expect(members.size).toBe(before);
  });

  test('refuses a token that has expired, though its own word for it was altered', async () => {
    const { join } = await enroll.makeToken({ ttl: 10, role: 'auto' });
    const later = altered(join, (payload) => (payload['e'] = Number(payload['e']) + 1000));
    at = new Date(at.getTime() + 11_000);
    const expired = { code: 'PERMISSION', message: expect.stringContaining('expired') as string };
    await expect(enroll.enroll(request(join, 'node98'))).rejects.toMatchObject(expired);
    await expect(enroll.enroll(request(later, 'node98'))).rejects.toMatchObject(expired);
    // The next token made sweeps it away; it is still refused.
    await enroll.makeToken({ ttl: 600, role: 'auto' });
    await expect(enroll.enroll(request(join, 'node98'))).rejects.toMatchObject(expired);
  });
});
