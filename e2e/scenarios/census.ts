/** What is on a node, to compare before and after: all that containers may leave behind, and what the agent holds. */
import type { LabNode } from '../lab/index.ts';
import { holdings } from './one-node.ts';

export interface Census {
  /** Mounts, namespaces, cables, units, folders, control groups, users: as `holdings` has it. */
  readonly holdings: string;
  readonly mounts: number;
  readonly namespaces: number;
  readonly links: number;
  readonly failedUnits: string;
  /** By path, below the folders that the agent keeps. */
  readonly files: readonly string[];
}

export async function census(node: LabNode): Promise<Census> {
  const [mounts, namespaces, links] = (
    await node.sh('findmnt -rno TARGET | wc -l; ip netns | wc -l; ip -br link | wc -l')
  )
    .trim()
    .split('\n')
    .map(Number);
  const files = await node.sh('find /run/volt /var/lib/volt /etc/systemd/system /usr/local/lib/volt -xdev | sort');
  return {
    holdings: await holdings(node),
    mounts: mounts!,
    namespaces: namespaces!,
    links: links!,
    failedUnits: await node.sh("systemctl list-units --failed --plain --no-legend | cut -d' ' -f1"),
    files: files.trim().split('\n'),
  };
}

export interface AgentUse {
  readonly pid: number;
  readonly openFiles: number;
  readonly memoryKiB: number;
  readonly threads: number;
}

export async function agentUse(node: LabNode): Promise<AgentUse> {
  const [pid, openFiles, memoryKiB, threads] = (
    await node.sh(`pid=$(systemctl show -p MainPID --value volt.service)
echo "$pid"
ls /proc/$pid/fd | wc -l
awk '$1 == "VmRSS:" { print $2 }' /proc/$pid/status
ls /proc/$pid/task | wc -l`)
  )
    .trim()
    .split('\n')
    .map(Number);
  return { pid: pid!, openFiles: openFiles!, memoryKiB: memoryKiB!, threads: threads! };
}

/** Each request once, so many of them at a time, in no order. Resolves with the results; rejects when one fails. */
export async function askAll<T>(
  node: LabNode,
  requests: readonly { readonly method: string; readonly params: object }[],
  atOnce: number,
): Promise<T[]> {
  const lines = requests.map((request, id) => JSON.stringify({ jsonrpc: '2.0', id, ...request }));
  const curl = [
    ...['curl', '-sS', '--unix-socket', '/run/volt/volt.sock', '-H', 'content-type: application/json'],
    ...['http://volt/rpc', '-d'],
  ];
  const { stdout, stderr } = await node.exec(['xargs', '-d', '\\n', '-P', String(atOnce), '-n', '1', ...curl], {
    input: `${lines.join('\n')}\n`,
    timeoutMs: 300_000,
  });
  // One after another, with nothing in between.
  const answers = stdout.split(/(?=\{"jsonrpc":)/).map((line) => JSON.parse(line) as { result?: T; error?: object });
  const failed = answers.filter(({ error }) => error !== undefined);
  if (failed.length > 0 || answers.length !== requests.length) {
    throw new Error(
      `${answers.length} of ${requests.length} answered: ${JSON.stringify(failed.slice(0, 3))} ${stderr}`,
    );
  }
  return answers.map(({ result }) => result!);
}
