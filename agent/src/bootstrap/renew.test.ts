import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import {
  clusterFiles,
  clusterPath,
  credentialsText,
  issue,
  lifeOf,
  lifeOfCredentials,
  loadClusterIdentity,
  makeAuthority,
  makeKey,
  makeNatsAuthority,
  makeUserKey,
  routeFiles,
  signUser,
  withControllers,
  writeConfig,
  writeNatsAuthority,
  type ClusterFile,
} from '@volt/shared/pki';
import { NodeFiles } from '../host/index.ts';
import { renewalPass, type RenewalPorts, type SignRequest } from './renew.ts';

const START = new Date(Math.floor(Date.now() / 1000) * 1000);
const LIFE = 3600;
const authority = makeAuthority('test', START);
const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), START);
const { signal } = new AbortController();

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

/** A member whose files were signed for an hour, at START. */
async function member(roles: ('agent' | 'controller')[]) {
  const dir = await mkdtemp(join(tmpdir(), 'volt-renew-'));
  folders.push(dir);
  const files = new NodeFiles();
  const self = { cluster: 'test', node: 'node2', address: '192.0.2.2', subnet: '10.1.1.0/24', range: '10.1.0.0/16' };
  const term = { now: START, seconds: LIFE };
  const [key, adminKey] = [makeKey(), makeKey()];
  const user = makeUserKey();
  const grant = async (role: 'node' | 'controller') =>
    credentialsText(await signUser(nats, { role, node: 'node2', publicKey: user.publicKey }, term), user.seed);
  const subject = { name: 'node2', roles: ['node'] as const, addresses: ['192.0.2.2'] };
  const person = { name: 'admin', roles: ['admin'] as const, addresses: [] };
  const common: Partial<Record<ClusterFile, string>> = {
    config: writeConfig(withControllers({ ...self, roles }, [{ node: 'node1', address: '192.0.2.1' }])),
    authority: authority.certificate,
    certificate: issue(authority, createPublicKey(key), subject, term) + authority.certificate,
    key,
    credentials: await grant('node'),
  };
  const ofController: Partial<Record<ClusterFile, string>> = {
    authorityKey: authority.key,
    natsAuthority: writeNatsAuthority(nats),
    controllerCredentials: await grant('controller'),
    adminCertificate: issue(authority, createPublicKey(adminKey), person, term),
    adminKey,
    witness: 'a witness runs here',
    ...routeFiles(nats, { node: 'node2', address: '192.0.2.2', key }, term),
  };
  const texts = roles.includes('controller') ? { ...common, ...ofController } : common;
  for (const [file, text] of Object.entries(texts) as [ClusterFile, string][]) {
    await files.write(clusterPath(file, dir), text, { mode: clusterFiles[file].mode });
  }
  const world = { now: START, asked: 0, reloaded: [] as string[], isRevoked: false, writesLeft: Infinity };
  const sign = async (_identity: unknown, request: SignRequest) => {
    world.asked += 1;
    const publicKey = createPublicKey(request.publicKey);
    const again = { now: world.now, seconds: LIFE };
    const of = { role: 'node', node: 'node2', publicKey: request.userKey! } as const;
    return { certificate: issue(authority, publicKey, subject, again), jwt: await signUser(nats, of, again) };
  };
  const ports: RenewalPorts = {
    files: {
      read: (path) => files.read(path),
      exists: (path) => files.exists(path),
      remove: (path) => files.remove(path),
      write: async (path, text, options) => {
        if (world.writesLeft-- <= 0) throw new Error('killed');
        await files.write(path, text, options);
      },
    },
    reload: async (unit) => void world.reloaded.push(unit),
    sign,
    revoked: { has: () => world.isRevoked },
    now: () => world.now,
    certificateSeconds: LIFE,
    dir,
  };
  const look = (isForced = false) => renewalPass(ports, { isForced }, signal);
  return { dir, world, ports, look, key, read: (file: ClusterFile) => files.read(clusterPath(file, dir)) };
}

const after = (seconds: number) => new Date(START.getTime() + seconds * 1000);

describe('a node', () => {
  test('asks nobody before two thirds of its time are over', async () => {
    const { look, world } = await member(['agent']);
    world.now = after(2399);
    await look();
    expect(world.asked).toBe(0);
  });

  test('has a controller sign when they are, keeps its key, and goes on for as long again', async () => {
    const { look, world, read, key, dir } = await member(['agent']);
    world.now = after(2701);
    const { identity, lives } = await look();
    expect(world.asked).toBe(1);
    expect(lives.map(({ until }) => until)).toEqual([after(2701 + LIFE), after(2701 + LIFE)]);
    expect(await read('key')).toBe(key);
    // As a server shows it: with the CA's certificate behind it.
    expect(identity.cert).toContain(authority.certificate);
    expect(await loadClusterIdentity(dir)).toEqual(identity);
    world.now = after(2702);
    await look();
    expect(world.asked).toBe(1);
    expect(world.reloaded).toEqual([]);
  });

  test('renews at once when a person says so', async () => {
    const { look, world } = await member(['agent']);
    await look(true);
    expect(world.asked).toBe(1);
  });

  test('changes nothing when it is refused', async () => {
    const { look, world, ports, dir } = await member(['agent']);
    const before = await loadClusterIdentity(dir);
    world.now = after(LIFE + 1);
    await expect(look()).rejects.toThrow('has ended');
    expect(world.asked).toBe(0);
    world.now = after(LIFE - 1);
    const sign = async () => Promise.reject(new VoltError('PERMISSION', 'It has expired'));
    await expect(renewalPass({ ...ports, sign }, { isForced: false }, signal)).rejects.toMatchObject({
      code: 'PERMISSION',
    });
    world.isRevoked = true;
    await expect(look()).rejects.toMatchObject({ code: 'PERMISSION' });
    expect(await loadClusterIdentity(dir)).toEqual(before);
  });

  test('takes nothing that is not for its key, or that another CA has signed', async () => {
    const { ports, dir, key } = await member(['agent']);
    const before = await loadClusterIdentity(dir);
    const subject = { name: 'node2', roles: ['node'] as const, addresses: [] };
    for (const certificate of [
      issue(authority, createPublicKey(makeKey()), subject, START),
      issue(makeAuthority('test', START), createPublicKey(key), subject, START),
    ]) {
      const sign = async () => ({ certificate, jwt: 'jwt' });
      await expect(renewalPass({ ...ports, sign }, { isForced: true }, signal)).rejects.toThrow('something else');
    }
    expect(await loadClusterIdentity(dir)).toEqual(before);
  });
});

describe('a controller', () => {
  test('signs all that it shows by itself, even when it has ended, and has NATS read it', async () => {
    const { look, world, read } = await member(['agent', 'controller']);
    world.now = after(2 * LIFE);
    const until = after(3 * LIFE);
    const { lives } = await look();
    expect(world.asked).toBe(0);
    expect(lives).toHaveLength(5);
    for (const life of lives) expect(life.until).toEqual(until);
    expect(lifeOf((await read('routesCertificate'))!).until).toEqual(until);
    expect(lifeOfCredentials((await read('controllerCredentials'))!).until).toEqual(until);
    const admin = new X509Certificate((await read('adminCertificate'))!);
    expect(admin.subject.split('\n')).toEqual(['O=volt:admin', 'CN=admin']);
    expect(admin.validToDate).toEqual(until);
    expect(world.reloaded).toEqual(['volt-nats.service', 'volt-nats-witness.service']);
  });

  test('does not make a person of what another CA has signed', async () => {
    const { look, ports, read, dir } = await member(['agent', 'controller']);
    const person = { name: 'mallory', roles: ['admin'] as const, addresses: [] };
    const foreign = issue(makeAuthority('test', START), createPublicKey(makeKey()), person, START);
    await ports.files.write(clusterPath('adminCertificate', dir), foreign, { mode: 0o644 });
    await look(true);
    expect(await read('adminCertificate')).toBe(foreign);
  });

  test.each([1, 2, 3, 4, 5])(
    'that is killed after %i writes is a member still, and ends it at the next start',
    async (writes) => {
      const { look, world, dir, read } = await member(['agent', 'controller']);
      world.now = after(2701);
      world.writesLeft = writes;
      await expect(look()).rejects.toThrow('killed');
      // Whatever was written: the certificate goes with the key, and the credentials with their seed.
      const { cert, key, creds } = (await loadClusterIdentity(dir))!;
      expect(new X509Certificate(cert).publicKey.equals(createPublicKey(key))).toBe(true);
      expect(lifeOfCredentials(creds).until.getTime()).toBeGreaterThan(world.now.getTime());
      world.writesLeft = Infinity;
      for (const life of (await look()).lives) expect(life.until).toEqual(after(2701 + LIFE));
      expect(world.reloaded).toContain('volt-nats.service');
      expect(await readdir(dir)).not.toContain('nats-reload');
      expect(await read('key')).toBe(key);
    },
  );
});
