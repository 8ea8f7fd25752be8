import { createPublicKey, X509Certificate } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import {
  clusterPath,
  issue,
  lifeOf,
  lifeOfCredentials,
  loadClusterIdentity,
  makeAuthority,
  makeKey,
} from '@volt/shared/pki';
import { renewalPass } from './renew.ts';
import { after, authority, LIFE, member, signal, START } from './testing/renewal.ts';

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
