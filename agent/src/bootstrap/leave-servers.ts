/**
 * Telling the cluster that the NATS server of a join that broke off will not
 * come back. The others find out by themselves, but count on it until then.
 */
import {
  clusterFiles,
  clusterPath,
  readConfig,
  readNatsAuthority,
  serverNameIn,
  type ClusterFile,
  type ClusterIdentity,
  type ControllerIdentity,
} from '@volt/shared/pki';
import type { BootstrapFiles, BootstrapPorts } from './ports.ts';

/** Long enough for the election that there is when the server led. */
const LEAVE_TIMEOUT_MS = 10_000;

/** A controller that was half made, and how to reach the cluster in its name. */
export interface LeavingController {
  /** Name of its NATS server. */
  readonly server: string;
  readonly identity: ClusterIdentity & { readonly controller: ControllerIdentity };
}

/** Undefined where none can have run, or where there is no other to be told. */
export async function controllerHere(files: Pick<BootstrapFiles, 'read'>): Promise<LeavingController | undefined> {
  const wanted: readonly ClusterFile[] = [
    'config',
    'authority',
    'certificate',
    'key',
    'controllerCredentials',
    'natsAuthority',
    'nats',
  ];
  const texts: Partial<Record<ClusterFile, string>> = {};
  for (const file of wanted) texts[file] = await files.read(clusterPath(file));
  const { config: configText, authority: ca, certificate: cert, key, controllerCredentials: creds } = texts;
  const { natsAuthority, nats } = texts;
  if (configText === undefined || ca === undefined || cert === undefined || key === undefined) return undefined;
  if (creds === undefined || natsAuthority === undefined || nats === undefined) return undefined;
  const config = readConfig(configText, clusterPath('config'));
  const servers = config.servers.filter((endpoint) => !endpoint.startsWith(`${config.address}:`));
  const server = serverNameIn(nats);
  if (servers.length === 0 || server === undefined) return undefined;
  const controller = {
    creds,
    // Nothing is signed any more.
    authority: { certificate: ca, key: '' },
    nats: readNatsAuthority(natsAuthority, clusterFiles.natsAuthority.name),
  };
  return { server, identity: { config: { ...config, servers }, ca, cert, key, creds: '', controller } };
}

/** As well as it can be done in a few seconds. */
export async function leaveServers(
  { controllers }: Pick<BootstrapPorts, 'controllers'>,
  { server, identity }: LeavingController,
): Promise<void> {
  await controllers.withdraw(identity, server, AbortSignal.timeout(LEAVE_TIMEOUT_MS)).catch(() => {});
}
