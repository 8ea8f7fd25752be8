/**
 * Renewing what this node shows at doors: certificates and NATS credentials.
 * Keys stay. They are what the cluster knows a node by, in its record, in the
 * list of what is refused and in what NATS servers let in; so each file that is
 * replaced goes with all others, old and new, and a pass that is cut short at
 * any step leaves a member, for the next pass to go on with.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import {
  CLUSTER_DIR,
  clusterFiles,
  clusterPath,
  credentialsText,
  dueAt,
  issue,
  keyFingerprint,
  lifeOf,
  lifeOfCredentials,
  loadClusterIdentity,
  NATS_UNITS,
  routeFiles,
  signUser,
  spreadOf,
  userKeyIn,
  type ClusterFile,
  type ClusterIdentity,
  type ControllerIdentity,
  type Life,
  type RevokedKeys,
  type Term,
} from '@volt/shared/pki';
import type { ControllerMethods, Params, Result } from '@volt/shared/rpc';
import type { BootstrapFiles } from './ports.ts';

export interface RenewalPorts {
  readonly files: Pick<BootstrapFiles, 'read' | 'write' | 'exists' | 'remove'>;
  /** Makes a unit's program read its files again; one that is down is fine. */
  readonly reload: (unit: string) => Promise<void>;
  /** Asks the controllers of this identity, with its certificate. PERMISSION when they refuse. */
  readonly sign: (identity: ClusterIdentity, request: SignRequest, signal: AbortSignal) => Promise<Signed>;
  readonly revoked: Pick<RevokedKeys, 'has'>;
  readonly now: () => Date;
  /** How long what this node signs lives. */
  readonly certificateSeconds: number;
  /** Where the files are; as installed, unless a test says otherwise. */
  readonly dir?: string | undefined;
}

export type SignRequest = Params<ControllerMethods['certificate.sign']>;
export type Signed = Result<ControllerMethods['certificate.sign']>;

export interface Renewed {
  /** As it is on the disk after the pass. */
  readonly identity: ClusterIdentity;
  readonly lives: readonly Life[];
  /** Which part of the spread is this node's. */
  readonly spread: number;
}

type Texts = Partial<Record<ClusterFile, string>>;

/** That files were, or are to be, replaced that NATS has not read yet. */
const MARKER = 'nats-reload';

/**
 * Looks at all that ends, and renews everything when something is due, or with
 * `isForced`. Rejects with PERMISSION when the cluster does not know this node
 * any more; nothing has changed then.
 */
export async function renewalPass(
  ports: RenewalPorts,
  { isForced }: { readonly isForced: boolean },
  signal: AbortSignal,
): Promise<Renewed> {
  const { dir = CLUSTER_DIR, now } = ports;
  const identity = await memberIn(dir);
  await finishReload(ports);
  const spread = spreadOf(keyFingerprint(publicKeyOf(identity)));
  const lives = await livesOf(ports, identity);
  const isDue = lives.some((life) => dueAt(life, spread) <= now());
  if (!isDue && !isForced) return { identity, lives, spread };
  if (ports.revoked.has(publicKeyOf(identity))) {
    throw new VoltError('PERMISSION', `The key of node '${identity.config.node}' was revoked`, { hint: JOIN_AGAIN });
  }
  const { controller } = identity;
  const texts =
    controller === null ? await signedByOthers(ports, identity, signal) : await signedHere(ports, identity, controller);
  await replace(ports, texts, controller !== null);
  const renewed = await memberIn(dir);
  return { identity: renewed, lives: await livesOf(ports, renewed), spread };
}

const JOIN_AGAIN =
  'on another node: volt node delete NAME --force; then here: volt cluster leave --force, and join again';

async function memberIn(dir: string): Promise<ClusterIdentity> {
  const identity = await loadClusterIdentity(dir);
  if (identity !== null) return identity;
  throw new VoltError('DEPENDENCY', 'This machine is in no cluster', { hint: 'volt cluster init' });
}

const publicKeyOf = ({ key }: ClusterIdentity) => createPublicKey(key);

async function livesOf({ files, dir }: RenewalPorts, identity: ClusterIdentity): Promise<Life[]> {
  const { cert, creds, controller } = identity;
  const lives = [lifeOf(cert), lifeOfCredentials(creds)];
  if (controller === null) return lives;
  const routes = await files.read(clusterPath('routesCertificate', dir));
  const admin = await files.read(clusterPath('adminCertificate', dir));
  const certificates = [routes, admin].flatMap((text) => (text === undefined ? [] : [lifeOf(text)]));
  return [...lives, lifeOfCredentials(controller.creds), ...certificates];
}

async function signedByOthers(ports: RenewalPorts, identity: ClusterIdentity, signal: AbortSignal): Promise<Texts> {
  const { ca, key, creds } = identity;
  if (lifeOf(identity.cert).until <= ports.now()) {
    // Asked with it, a controller would not even say who it is that it does not know.
    const name = identity.config.node;
    throw new VoltError('PERMISSION', `The certificate of node '${name}' has ended`, { hint: JOIN_AGAIN });
  }
  const user = userKeyIn(creds);
  const publicKey = createPublicKey(key).export({ type: 'spki', format: 'pem' });
  const request = { publicKey, userKey: user.publicKey };
  const { certificate, jwt } = await ports.sign(identity, request, signal);
  const signed = new X509Certificate(certificate);
  const isGood =
    signed.checkPrivateKey(createPrivateKey(key)) &&
    authoritiesIn(ca).some((authority) => signed.verify(authority.publicKey));
  if (!isGood || jwt === null)
    throw new VoltError('GENERAL', 'The controller signed something else than was asked for');
  return { certificate: certificate + ca, credentials: credentialsText(jwt, user.seed) };
}

/** There are two while one replaces the other. */
const authoritiesIn = (ca: string): X509Certificate[] =>
  (ca.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => new X509Certificate(pem));

/** A controller has the keys of the cluster: it needs nobody, not even when all that it shows has ended. */
async function signedHere(
  { files, dir, now, certificateSeconds }: RenewalPorts,
  identity: ClusterIdentity,
  controller: ControllerIdentity,
): Promise<Texts> {
  const { config, ca, key, creds } = identity;
  const { node, address, roles } = config;
  const term: Term = { now: now(), seconds: certificateSeconds };
  const words = roles.map((role) => (role === 'agent' ? 'node' : role));
  const subject = { name: node, roles: words, addresses: [address, '127.0.0.1'] };
  const grant = async (role: 'node' | 'controller', text: string) => {
    const { publicKey, seed } = userKeyIn(text);
    return credentialsText(await signUser(controller.nats, { role, node, publicKey }, term), seed);
  };
  const admin = await files.read(clusterPath('adminCertificate', dir));
  return {
    certificate: issue(controller.authority, publicKeyOf(identity), subject, term) + ca,
    credentials: await grant('node', creds),
    controllerCredentials: await grant('controller', controller.creds),
    routesCertificate: routeFiles(controller.nats, { node, address, key }, term).routesCertificate,
    ...(admin === undefined ? {} : { adminCertificate: sameAgain(controller, admin, term) }),
  };
}

/** The certificate for people that `cluster init` made. Only what our CA has signed is signed again. */
function sameAgain({ authority }: ControllerIdentity, text: string, term: Term): string {
  const present = new X509Certificate(text);
  if (!present.verify(new X509Certificate(authority.certificate).publicKey)) return text;
  const lines = present.subject.split('\n');
  const name = lines.find((line) => line.startsWith('CN='))?.slice('CN='.length) ?? 'admin';
  const roles = (['admin', 'reader'] as const).filter((role) => lines.includes(`O=volt:${role}`));
  return issue(authority, present.publicKey, { name, roles, addresses: [] }, term);
}

async function replace(ports: RenewalPorts, texts: Texts, hasNats: boolean): Promise<void> {
  const { files, dir = CLUSTER_DIR } = ports;
  if (hasNats) await files.write(join(dir, MARKER), '', { mode: 0o600 });
  for (const [file, text] of Object.entries(texts) as [ClusterFile, string][]) {
    await files.write(clusterPath(file, dir), text, { mode: clusterFiles[file].mode });
  }
  await finishReload(ports);
}

async function finishReload({ files, reload, dir = CLUSTER_DIR }: RenewalPorts): Promise<void> {
  if (!(await files.exists(join(dir, MARKER)))) return;
  await reload(NATS_UNITS.data);
  if (await files.exists(clusterPath('witness', dir))) await reload(NATS_UNITS.witness);
  await files.remove(join(dir, MARKER));
}
