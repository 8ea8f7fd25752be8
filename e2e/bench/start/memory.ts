/** What the agent's process holds when nobody asks anything of it. */
import { setTimeout as pause } from 'node:timers/promises';
import type { LabNode } from '../../lab/index.ts';
import { eventually, voltText } from '../../cluster/index.ts';
import type { Contender } from '../bench.ts';
import { FOLDER, type BenchNode } from './bench-node.ts';

const IDLE_MS = 10_000;
/** V8 gives back what was only needed for a while half a minute after the last of it. */
const QUIET_MS = 40_000;
const KIB_PER_MIB = 1024;

/** A new agent that has answered one question, a while later. */
export function freshAgent({ node }: BenchNode): Contender {
  return {
    name: 'voltd',
    role: 'ours',
    sample: () => memoryOfFresh(node),
  };
}

/** The same in a cluster, with a line to NATS and a TLS port. The first sample makes the cluster: it comes last. */
export function freshMember({ node }: BenchNode): Contender {
  let cluster: Promise<string> | undefined;
  return {
    name: 'voltd',
    role: 'ours',
    sample: async () => {
      cluster ??= voltText(node, ['cluster', 'init', '--address', node.address]);
      await cluster;
      return memoryOfFresh(node);
    },
  };
}

async function memoryOfFresh(node: LabNode): Promise<number> {
  await node.sh('systemctl restart volt.service');
  await eventually('the agent answers', () => voltText(node, ['ps']).then(() => true));
  await pause(IDLE_MS);
  return memoryOf(node, await agentPid(node));
}

/** The agent as it is after all that was asked of it so far, when that is a while ago. */
export function usedAgent({ node }: BenchNode): Contender {
  return {
    name: 'voltd',
    role: 'ours',
    sample: async () => {
      await pause(QUIET_MS);
      return memoryOf(node, await agentPid(node));
    },
  };
}

/** With what it shares with others counted in part: the program file, above all. */
export function agentShare({ node }: BenchNode): Contender {
  return {
    name: 'voltd, proportional (PSS)',
    role: 'reference',
    sample: async () => memoryOf(node, await agentPid(node), 'Pss'),
  };
}

/** Node itself, with nothing to do. */
export function emptyNode({ node }: BenchNode): Contender {
  const idle = `${FOLDER}/node -e 'setInterval(() => {}, 1e6)' > /dev/null 2>&1 & echo $!`;
  return {
    name: 'empty Node',
    role: 'reference',
    sample: async () => {
      const pid = (await node.sh(idle)).trim();
      await pause(IDLE_MS);
      const memory = await memoryOf(node, pid);
      await node.sh(`kill ${pid}`);
      return memory;
    },
  };
}

const agentPid = async (node: LabNode): Promise<string> =>
  (await node.sh('systemctl show --property=MainPID --value volt.service')).trim();

async function memoryOf(node: LabNode, pid: string, field: 'Rss' | 'Pss' = 'Rss'): Promise<number> {
  const rollup = await node.sh(`cat /proc/${pid}/smaps_rollup`);
  const kib = new RegExp(`^${field}: +(\\d+) kB$`, 'm').exec(rollup)?.[1];
  return Number(kib) / KIB_PER_MIB;
}
