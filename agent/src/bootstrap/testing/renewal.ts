/** A member whose certificates end, on a disk, for the tests of renewal. */
import { createPublicKey } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import {
  clusterFiles,
  clusterPath,
  credentialsText,
  issue,
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
import { NodeFiles } from '../../host/index.ts';
import { renewalPass, type RenewalPorts, type SignRequest } from '../renew.ts';

export const START = new Date(Math.floor(Date.now() / 1000) * 1000);
export const LIFE = 3600;
export const authority = makeAuthority('test', START);
const nats = await makeNatsAuthority('test', () => ({ publish: ['a'], subscribe: ['b'] }), START);
export const { signal } = new AbortController();

/** A member whose files were signed for an hour, at START. */
export async function member(roles: ('agent' | 'controller')[]) {
  const dir = await mkdtemp(join(tmpdir(), 'volt-renew-'));
  onTestFinished(() => rm(dir, { recursive: true }));
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

export const after = (seconds: number) => new Date(START.getTime() + seconds * 1000);
