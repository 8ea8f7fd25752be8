/** What people wait for: a container that serves, and a command that begins. And what the agent costs meanwhile. */
import { toVoltError } from '@volt/shared/errors';
import type { Bench, Contender, Measurement, PreparedBench, Report } from '../bench.ts';
import { openBenchNode, type BenchNode } from './bench-node.ts';
import { agentShare, emptyNode, freshAgent, freshMember, usedAgent } from './memory.ts';
import { bareNspawn, bareNspawnOnHost, NSPAWN_UNIT, prepareNspawn } from './nspawn.ts';
import { podmanRun, preparePodman } from './podman.ts';
import * as version from './version.ts';
import { voltAddress, voltCall, voltRun, voltVersion } from './volt.ts';

/** Over a bare unit, and over an empty Node: what Volt may add to what it stands on. */
const FACTOR = 1.3;
const RSS_MIB_MAX = 80;

export const start: Bench = {
  name: 'start',
  summary: 'create and start to first byte, start of the command, memory of an idle agent',
  prepare,
};

async function prepare(report: Report): Promise<PreparedBench> {
  const stack = new AsyncDisposableStack();
  try {
    const binary = await version.emptyBinary(stack);
    const benchNode = stack.use(await openBenchNode(report));
    const bare = await usable('nspawn unit', report, async () => {
      await prepareNspawn(benchNode.node);
      return [bareNspawn(benchNode), bareNspawnOnHost(benchNode)];
    });
    const podman = await usable('podman', report, async () => {
      await preparePodman(benchNode.node);
      return [podmanRun(benchNode)];
    });
    return {
      measurements: [
        commandStart(binary),
        containerStart(benchNode, await voltAddress(benchNode), [...bare, ...podman]),
        ...memory(benchNode),
      ],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Prepares a peer and lets it show once that it works. One that does not is told of and left out. */
async function usable(peer: string, report: Report, make: () => Promise<Contender[]>): Promise<Contender[]> {
  try {
    const contenders = await make();
    for (const contender of contenders) await contender.sample();
    return contenders;
  } catch (thrown) {
    report(`${peer} is left out, it could not be used: ${toVoltError(thrown).message}`);
    return [];
  }
}

function commandStart(binary: Contender): Measurement {
  return {
    work: 'start of the command',
    unit: 'ms',
    runs: 20,
    warmUps: 2,
    contenders: [version.volt, version.node, binary],
    target: (medians) => FACTOR * (medians[version.node.name] ?? Number.NaN),
  };
}

function containerStart(benchNode: BenchNode, address: string, others: readonly Contender[]): Measurement {
  const cli = voltVersion(benchNode);
  return {
    work: 'create and start to first byte served',
    unit: 'ms',
    runs: 20,
    warmUps: 2,
    contenders: [voltRun(benchNode, address), ...others, voltCall(benchNode, address), cli],
    target: (medians) => FACTOR * (medians[NSPAWN_UNIT] ?? Number.NaN) + (medians[cli.name] ?? Number.NaN),
  };
}

function memory(benchNode: BenchNode): Measurement[] {
  const target = () => RSS_MIB_MAX;
  return [
    {
      work: 'memory (RSS) of an agent that was busy 40 s ago',
      unit: 'MiB',
      runs: 1,
      warmUps: 0,
      contenders: [usedAgent(benchNode), agentShare(benchNode)],
      target,
    },
    {
      work: 'memory (RSS) of an idle agent',
      unit: 'MiB',
      runs: 3,
      warmUps: 0,
      contenders: [freshAgent(benchNode), agentShare(benchNode), emptyNode(benchNode)],
      target,
    },
    {
      work: 'memory (RSS) of an idle agent in a cluster',
      unit: 'MiB',
      runs: 3,
      warmUps: 0,
      contenders: [freshMember(benchNode), agentShare(benchNode)],
      target,
    },
  ];
}
