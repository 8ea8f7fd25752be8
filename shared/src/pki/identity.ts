/** The files that make a machine a member of a cluster, and reading them. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '../errors/index.ts';
import { keyFingerprint, type KeyAndCertificate } from './certificates.ts';
import { readConfig, type ClusterConfig } from './cluster-config.ts';
import { readNatsAuthority, type NatsAuthority } from './nats-auth.ts';

export const CLUSTER_DIR = '/etc/volt/cluster';

/** Names below CLUSTER_DIR, with their modes. What is not for everybody is 0600. */
export const clusterFiles = {
  config: { name: 'cluster.json', mode: 0o644 },
  authority: { name: 'ca.crt', mode: 0o644 },
  authorityKey: { name: 'ca.key', mode: 0o600 },
  natsAuthority: { name: 'nats-authority.json', mode: 0o600 },
  /** The node's certificate, followed by the CA's: what a server shows. */
  certificate: { name: 'node.crt', mode: 0o644 },
  key: { name: 'node.key', mode: 0o600 },
  credentials: { name: 'node.creds', mode: 0o600 },
  controllerCredentials: { name: 'controller.creds', mode: 0o600 },
  adminCertificate: { name: 'admin.crt', mode: 0o644 },
  adminKey: { name: 'admin.key', mode: 0o600 },
  /** The CA of routes between NATS servers, and this server's certificate of it. Only controllers have them. */
  routesAuthority: { name: 'routes-ca.crt', mode: 0o644 },
  routesCertificate: { name: 'routes.crt', mode: 0o644 },
  routesKey: { name: 'routes.key', mode: 0o600 },
  /** Keys of nodes that were taken out. */
  revoked: { name: 'revoked.json', mode: 0o644 },
  nats: { name: 'nats.conf', mode: 0o644 },
  witness: { name: 'nats-witness.conf', mode: 0o644 },
} as const;

export type ClusterFile = keyof typeof clusterFiles;

export const clusterPath = (file: ClusterFile, dir: string = CLUSTER_DIR): string => join(dir, clusterFiles[file].name);

export interface ClusterIdentity {
  readonly config: ClusterConfig;
  /** PEM texts; `cert` is the whole chain. */
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  /** NATS credentials of this node's agent. */
  readonly creds: string;
  /** What only a controller holds; null on other nodes. */
  readonly controller: ControllerIdentity | null;
}

export interface ControllerIdentity {
  /** NATS credentials of this node's controller. */
  readonly creds: string;
  readonly authority: KeyAndCertificate;
  readonly nats: NatsAuthority;
  /** SHA-256 of the public key that this node's NATS server shows to the others. */
  readonly route?: string;
}

/**
 * Null on a machine that is in no cluster. INVALID_CONFIG when cluster.json is
 * there but something is wrong with it, or a file beside it is missing.
 */
export async function loadClusterIdentity(dir: string = CLUSTER_DIR): Promise<ClusterIdentity | null> {
  const text = await readOptional(clusterPath('config', dir));
  if (text === null) return null;
  const config = readConfig(text, clusterPath('config', dir));
  const read = (file: ClusterFile) => readRequired(clusterPath(file, dir));
  const ca = await read('authority');
  return {
    config,
    ca,
    cert: await read('certificate'),
    key: await read('key'),
    creds: await read('credentials'),
    controller: config.roles.includes('controller')
      ? {
          creds: await read('controllerCredentials'),
          authority: { certificate: ca, key: await read('authorityKey') },
          nats: readNatsAuthority(await read('natsAuthority'), clusterPath('natsAuthority', dir)),
          route: keyFingerprint(new X509Certificate(await read('routesCertificate')).publicKey),
        }
      : null,
  };
}

async function readRequired(path: string): Promise<string> {
  const text = await readOptional(path);
  if (text !== null) return text;
  throw new VoltError('INVALID_CONFIG', `'${path}' is missing`, { hint: 'join the cluster again' });
}

async function readOptional(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (thrown) {
    const code = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
    if (code === 'ENOENT') return null;
    if (code === 'EACCES') throw new VoltError('PERMISSION', `'${path}' may not be read`, { cause: thrown });
    throw new VoltError('INVALID_CONFIG', `'${path}' cannot be read (${String(code)})`, { cause: thrown });
  }
}
