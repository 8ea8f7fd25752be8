/** `cluster join`: this machine becomes a node of a cluster that there is. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { toVoltError, VoltError, wrapError } from '@volt/shared/errors';
import {
  clusterFiles,
  clusterPath,
  CONTROLLER_JWT,
  credentialsText,
  makeKey,
  makeUserKey,
  natsPaths,
  natsServer,
  NODE_JWT,
  readNatsAuthority,
  readToken,
  renderNats,
  routeFiles,
  withControllers,
  writeConfig,
  type ClusterFile,
  type ClusterIdentity,
  type Term,
  type UserKey,
} from '@volt/shared/pki';
import type { AgentMethods, Parsed, Result } from '@volt/shared/rpc';
import { askIn, type Admission } from './ask-in.ts';
import { begin, finish, membership, startUnits, undoQuietly, writeFiles } from './membership.ts';
import { nodeNameOf } from './node-name.ts';
import { addressTowards } from './own-address.ts';
import type { BootstrapPorts } from './ports.ts';
import { untilReady } from './ready.ts';
import { requireNats } from './require-nats.ts';
import { requireStill } from './require-still.ts';
import { termFrom } from './term.ts';
import { controllerUnits } from './units.ts';

export type JoinParams = Parsed<AgentMethods['cluster.join']>;
export type JoinResult = Result<AgentMethods['cluster.join']>;

/**
 * Resolves once this machine is a member, and its controller answers if it got
 * one. A failure leaves no member behind, and the same call can be made again:
 * the cluster knows the node by its key, which is kept from the moment that
 * the cluster may have recorded it. CONFLICT on a member.
 */
export async function join(ports: BootstrapPorts, params: JoinParams, signal: AbortSignal): Promise<JoinResult> {
  const node = nodeNameOf(params.node, ports.hostName());
  if (readToken(params.token).expiresAt <= ports.now()) {
    throw new VoltError('PERMISSION', 'The join token has expired', { hint: 'on a controller: volt cluster token' });
  }
  await refuseMember(ports);
  await requireStill(ports, params);
  // The cluster decides what 'auto' becomes, and by then has recorded this node as it decided.
  if (params.role !== 'agent') {
    await requireNats(ports, signal, params.role === 'auto' ? 'join with --role agent' : undefined);
  }
  const address = params.address ?? (await addressTowards(ports, params.controller, signal));
  await begin(ports);
  const keptKey = await ports.files.read(clusterPath('key'));
  let isMaybeRecorded = keptKey !== undefined;
  try {
    const key = keptKey ?? makeKey();
    if (keptKey === undefined) await ports.files.write(clusterPath('key'), key, { mode: clusterFiles.key.mode });
    const user = makeUserKey();
    const asking = { ...params, address, node, key, userKey: user.publicKey };
    const admission = await askIn(ports.controllers, asking, signal).catch((thrown) => {
      isMaybeRecorded ||= isOutcomeUnknown(thrown);
      throw thrown;
    });
    isMaybeRecorded = true;
    await settle(ports, { node, address, key, user, admission, controller: params.controller }, signal);
    await finish(ports);
    return { cluster: admission.cluster, node, roles: admission.roles };
  } catch (thrown) {
    await undoQuietly(ports, { keepKey: isMaybeRecorded });
    throw wrapError(toVoltError(thrown), `Node '${node}' did not join`);
  }
}

async function refuseMember(ports: BootstrapPorts): Promise<void> {
  const present = await membership(ports);
  if (present === undefined) return;
  const where = `node '${present.node}' of cluster '${present.cluster}'`;
  throw new VoltError('CONFLICT', `This machine is ${where} already`, { hint: 'volt cluster status' });
}

/** After these the controller may have done what it was asked. */
const isOutcomeUnknown = (thrown: unknown): boolean =>
  !(thrown instanceof VoltError) || ['NETWORK', 'TIMEOUT', 'INTERRUPTED'].includes(thrown.code);

interface Newcomer {
  readonly node: string;
  readonly address: string;
  readonly key: string;
  readonly user: UserKey;
  readonly admission: Admission;
  /** Who was asked: the others listen on the same port. */
  readonly controller: string;
}

/** Writes what the admission makes of this machine, and starts what its roles need. */
async function settle(ports: BootstrapPorts, newcomer: Newcomer, signal: AbortSignal): Promise<void> {
  const { node, address, admission, controller } = newcomer;
  const { cluster, subnet, range, roles, peers } = admission;
  const isController = roles.includes('controller');
  const others = peers.filter((peer) => peer.node !== node && peer.roles.includes('controller'));
  const controllers = isController ? [{ node, address }, ...others] : others;
  const self = { cluster, node, address, subnet, range, roles, controllers: [controller] };
  const config = withControllers(self, controllers);
  const files = memberFiles(newcomer, termFrom(ports));
  await writeFiles(ports, { ...files, config: writeConfig(config) });
  if (!isController) return;

  const units = controllerUnits(ports.program, { hasWitness: false });
  await startUnits(ports, units, signal);
  const identity: ClusterIdentity = {
    config,
    ca: files.authority,
    cert: files.certificate,
    key: newcomer.key,
    creds: files.credentials,
    controller: null,
  };
  await untilReady(ports, units, (asked) => ports.controllers.status(identity, asked), signal);
}

type MemberFiles = Record<'authority' | 'certificate' | 'credentials', string> & Partial<Record<ClusterFile, string>>;

function memberFiles({ node, address, key, user, admission }: Newcomer, term: Term): MemberFiles {
  const { files, certificate, roles, cluster, peers } = admission;
  const authority = given(files, clusterFiles.authority.name);
  const isOurs = new X509Certificate(certificate).checkPrivateKey(createPrivateKey(key));
  if (!isOurs) throw new VoltError('GENERAL', 'The controller signed a certificate for another key');
  const common = {
    authority,
    certificate: certificate + authority,
    credentials: credentialsText(given(files, NODE_JWT), user.seed),
  };
  if (!roles.includes('controller')) return common;
  const nats = given(files, clusterFiles.natsAuthority.name);
  const natsAuthority = readNatsAuthority(nats, clusterFiles.natsAuthority.name);
  const server = { cluster, node, server: admission.server ?? node, address, peers };
  return {
    ...common,
    authorityKey: given(files, clusterFiles.authorityKey.name),
    natsAuthority: nats,
    controllerCredentials: credentialsText(given(files, CONTROLLER_JWT), user.seed),
    ...routeFiles(natsAuthority, { node, address, key }, term),
    nats: renderNats(natsServer({ ...server, hasWitness: false, authority: natsAuthority }, natsPaths('data'))),
  };
}

function given(files: Readonly<Record<string, string>>, name: string): string {
  const text = files[name];
  if (text === undefined) throw new VoltError('GENERAL', `The controller did not send '${name}'`);
  return text;
}
