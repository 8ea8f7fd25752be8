/** The cluster's state as one side of it sees it, straight from NATS, and what the programs there wrote down. */
import { connectCluster, type ClusterConnection, type Kv } from '@volt/shared/kv';
import {
  CLUSTER_DIR,
  clusterFiles,
  connectMetaGroup,
  NATS_PORT,
  readConfig,
  readNatsAuthority,
  type ClusterFile,
  type MetaState,
} from '@volt/shared/pki';
import { eventually, voltJson } from '../cluster/index.ts';
import type { Lab, LabNode } from '../lab/index.ts';
import { Tunnel } from './cluster-tunnel.ts';

/** A file of the cluster's on a node, as text. */
export const fileOf = (node: LabNode, file: ClusterFile): Promise<string> =>
  node.sh('cat "$FILE"', { env: { FILE: `${CLUSTER_DIR}/${clusterFiles[file].name}` } });

/** Until there are as many copies of everything as there are nodes. */
export async function untilCopied(lab: Lab): Promise<void> {
  const view = await View.open(lab.node(1));
  try {
    await view.untilCopied(lab.nodes.length);
  } finally {
    await view.close();
  }
}

export async function leaderOf(lab: Lab): Promise<LabNode> {
  type Status = { readonly leader: string };
  const [status] = [await voltJson<Status | [Status]>(lab.node(1), ['cluster', 'status'])].flat();
  return lab.node(status!.leader);
}

/** The cluster's NATS servers, as their leader counts them; undefined while there is none. */
export async function serversOf(node: LabNode): Promise<MetaState | undefined> {
  const files = ['config', 'authority', 'certificate', 'key', 'authorityKey', 'natsAuthority'] as const;
  const [config, ca, cert, key, authorityKey, nats] = (await Promise.all(files.map((file) => fileOf(node, file)))) as [
    string,
    ...string[],
  ];
  const tunnel = await Tunnel.open(node, NATS_PORT);
  const identity = {
    config: { ...readConfig(config, 'cluster.json'), servers: [`127.0.0.1:${tunnel.port}`] },
    ...{ ca: ca!, cert: cert!, key: key!, creds: '' },
    controller: {
      creds: '',
      authority: { certificate: ca!, key: authorityKey! },
      nats: readNatsAuthority(nats!, 'nats-authority.json'),
    },
  };
  try {
    return await connectMetaGroup(identity, () => new Date()).state();
  } catch {
    return undefined;
  } finally {
    await tunnel.close();
  }
}

/** Buckets grow one after the other, and each may need an election. */
const COPIED_MS_MAX = 60_000;

/** A controller's line to the NATS server of its own node. */
export class View {
  readonly node: LabNode;
  readonly kv: Kv;
  readonly #tunnel: Tunnel;
  readonly #line: ClusterConnection;

  private constructor(node: LabNode, tunnel: Tunnel, line: ClusterConnection) {
    this.node = node;
    this.kv = line.kv;
    this.#tunnel = tunnel;
    this.#line = line;
  }

  static async open(node: LabNode): Promise<View> {
    const [ca, cert, key, credentials] = await Promise.all([
      fileOf(node, 'authority'),
      fileOf(node, 'certificate'),
      fileOf(node, 'key'),
      fileOf(node, 'controllerCredentials'),
    ]);
    const tunnel = await Tunnel.open(node, NATS_PORT);
    const servers = [`127.0.0.1:${tunnel.port}`];
    const line = connectCluster({ servers, tls: { ca, cert, key }, credentials, node: node.name, role: 'controller' });
    return new View(node, tunnel, line);
  }

  /** Resolves once every bucket is on this many servers: before that, losing one may lose the cluster's memory. */
  async untilCopied(copies: number): Promise<void> {
    await eventually(
      `there are ${copies} copies`,
      async () => (await this.#line.buckets.copies()) >= copies,
      COPIED_MS_MAX,
    );
  }

  async close(): Promise<void> {
    await this.#line.close();
    await this.#tunnel.close();
  }
}

export interface LogEntry {
  readonly atMs: number;
  readonly sentence: string;
  readonly token?: number;
}

/** What the node's controller wrote since a moment; the journal has no more than its warnings. */
export async function controllerLog(node: LabNode, sinceMs: number): Promise<LogEntry[]> {
  const text = await node.sh('cat /var/log/volt/controller.log');
  return text.split('\n').flatMap((line) => {
    if (line === '') return [];
    const { time, msg, token } = JSON.parse(line) as { time: string; msg: string; token?: number };
    const atMs = Date.parse(time);
    return atMs < sinceMs ? [] : [{ atMs, sentence: msg, ...(token === undefined ? {} : { token }) }];
  });
}

/** systemd.messages(7): what the journal calls the two ends of a unit's life. */
const messages = { starting: '7d4958e842da4a758f6c1cdc7b36dcc5', stopped: '9d1aaa27d60140bd96365438aad20286' };

/** When systemd began to start a container, or had stopped it, since a moment; oldest first. */
export async function momentsOf(
  node: LabNode,
  container: string,
  what: keyof typeof messages,
  sinceMs: number,
): Promise<number[]> {
  const matches = [`MESSAGE_ID=${messages[what]}`, `UNIT=volt-container@${container}.service`];
  const since = `--since=@${(sinceMs / 1000).toFixed(3)}`;
  const { stdout } = await node.exec(['journalctl', '--output=json', since, ...matches]);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Number((JSON.parse(line) as { __REALTIME_TIMESTAMP: string }).__REALTIME_TIMESTAMP) / 1000);
}
