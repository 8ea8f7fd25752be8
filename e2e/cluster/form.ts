/** Makes a cluster of lab nodes with the product's own commands, and nothing else. */
import type { Lab, LabNode } from '../lab/index.ts';
import { eventually } from './eventually.ts';
import { volt, voltJson, voltText } from './volt.ts';

interface NodeRow {
  readonly name: string;
  readonly state: string;
}

const AGENT_TIMEOUT_MS = 20_000;
const FORM_TIMEOUT_MS = 60_000;

/** Makes a machine a node, with an agent that answers. Doing it again installs the binary that is there. */
export async function installAgent(node: LabNode): Promise<void> {
  await voltText(node, ['daemon', 'install']);
  await eventually(`the agent of ${node.name} answers`, () => answers(node), AGENT_TIMEOUT_MS);
}

/** Node 1 begins the cluster, the others join it one by one. Nodes that are members already stay so. */
export async function formCluster(lab: Lab, report: (line: string) => void = () => {}): Promise<void> {
  const nodes = lab.nodes;
  await Promise.all(nodes.map(installAgent));
  report(`Agents run on ${nodes.map(({ name }) => name).join(', ')}`);
  const [first, ...others] = nodes;
  if (first === undefined) return;
  if (!(await isMember(first))) {
    await voltText(first, ['cluster', 'init', '--address', first.address]);
    report(`${first.name} has begun a cluster`);
  }
  for (const node of others) {
    if (await isMember(node)) continue;
    await joinCluster(first, node);
    report(`${node.name} has joined`);
  }
  await untilReady(first, nodes.length);
}

/** The token goes by standard input: arguments are there for all to see. */
export async function joinCluster(first: LabNode, node: LabNode): Promise<void> {
  await eventually(`the agent of ${first.name} answers again`, () => answers(first), AGENT_TIMEOUT_MS);
  const { join } = await voltJson<{ join: string }>(first, ['cluster', 'token']);
  await voltText(node, ['cluster', 'join', `${first.address}:7444`, '--address', node.address, '--token-file', '-'], {
    input: join,
  });
  await eventually(`the agent of ${node.name} answers again`, () => isMember(node), AGENT_TIMEOUT_MS);
}

export async function untilReady(node: LabNode, count: number): Promise<void> {
  await eventually(
    `${count} nodes are ready`,
    async () => {
      const rows = await voltJson<NodeRow[]>(node, ['node', 'list']);
      return rows.filter(({ state }) => state === 'ready').length === count;
    },
    FORM_TIMEOUT_MS,
  );
}

const answers = async (node: LabNode): Promise<boolean> => (await volt(node, ['system', 'info'])).code === 0;

async function isMember(node: LabNode): Promise<boolean> {
  const info = await voltJson<{ cluster: string | null } | { cluster: string | null }[]>(node, ['system', 'info']);
  return [info].flat()[0]?.cluster != null;
}
