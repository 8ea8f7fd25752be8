/** The store beside what else keeps folders by their contents, each as a process of its own, its start included. */
import { toVoltError } from '@volt/shared/errors';
import type { Bench, Contender, Measurement, PreparedBench, Report } from '../bench.ts';
import { install } from '../start/index.ts';
import { type Peer, peers } from './peers.ts';
import { DRIVER, FOLDER, LARGE, LARGE_FOLDER, openStoreNode, ROOTFS, type StoreNode } from './store-node.ts';

/** Of the fastest peer. */
const FACTOR = 0.5;
const THROUGHPUT = 0.7;
const ROOT_MS_MAX = 20;
const MEMORY_MIB_MAX = 150;
const OBJECTS = 1_000_000;
const STATUS_MS_MAX = 1000;
const GC_MS_MAX = 60_000;

const ours: Peer = {
  name: 'volt',
  package: '',
  ingest: (repository, folder) => [DRIVER, 'ingest', repository, folder],
  verify: (repository) => [DRIVER, 'verify', repository],
};

export const store: Bench = {
  name: 'store',
  summary: 'store, store again and check a Debian; a root from it; one large file; a million objects',
  prepare,
};

async function prepare(report: Report): Promise<PreparedBench> {
  const stack = new AsyncDisposableStack();
  try {
    const storeNode = stack.use(await openStoreNode(report));
    const all = [ours, ...(await usable(storeNode, report))];
    for (const one of all) await filled(storeNode, one, `${FOLDER}/kept/${one.name}`);
    await storeNode.drive('ingest', `${FOLDER}/large-object`, LARGE_FOLDER);
    return {
      measurements: [
        firstIngest(storeNode, all),
        secondIngest(storeNode, all),
        check(storeNode, all),
        rootOfContainer(storeNode),
        ...largeFile(storeNode),
        ...memory(storeNode),
        ...manyObjects(storeNode),
      ],
      [Symbol.asyncDispose]: () => stack.disposeAsync(),
    };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

/** Those peers that could be installed and store something. */
async function usable({ node }: StoreNode, report: Report): Promise<Peer[]> {
  const working: Peer[] = [];
  for (const peer of peers) {
    try {
      await install(node, peer.package);
      working.push(peer);
    } catch (thrown) {
      report(`${peer.name} is left out, it could not be installed: ${toVoltError(thrown).message}`);
    }
  }
  await install(node, 'b3sum');
  return working;
}

async function emptied({ node }: StoreNode, peer: Peer, repository: string): Promise<void> {
  // What others wrote must not become part of this one's flush.
  await node.sh(`mkdir -p ${repository}\n${peer.init?.(repository) ?? ''}\nsync`);
}

async function filled(storeNode: StoreNode, peer: Peer, repository: string): Promise<void> {
  await emptied(storeNode, peer, repository);
  await command(storeNode, peer.ingest(repository, ROOTFS));
}

const command = ({ measure }: StoreNode, argv: readonly string[]): Promise<number> =>
  measure({ act: { kind: 'command', argv } });

const roleOf = (peer: Peer): Contender['role'] => (peer === ours ? 'ours' : 'peer');

const factorOfFastest =
  (all: readonly Peer[]) =>
  (medians: Readonly<Record<string, number>>): number =>
    FACTOR * Math.min(...all.filter((one) => one !== ours).map(({ name }) => medians[name] ?? Number.NaN));

/** Each time into a folder of its own: a file system that has just removed much is slow at making files. */
function firstIngest(storeNode: StoreNode, all: readonly Peer[]): Measurement {
  let turn = 0;
  const contenders = all.map((peer): Contender => ({
    name: peer.name,
    role: roleOf(peer),
    sample: async () => {
      const repository = `${FOLDER}/first/${peer.name}-${turn++}`;
      await emptied(storeNode, peer, repository);
      return command(storeNode, peer.ingest(repository, ROOTFS));
    },
  }));
  return {
    work: 'first ingest of a Debian',
    unit: 'ms',
    runs: 7,
    warmUps: 1,
    contenders,
    target: factorOfFastest(all),
  };
}

function secondIngest(storeNode: StoreNode, all: readonly Peer[]): Measurement {
  const contenders = all.map((peer): Contender => ({
    name: peer.name,
    role: roleOf(peer),
    sample: () => command(storeNode, peer.ingest(`${FOLDER}/kept/${peer.name}`, ROOTFS)),
  }));
  const target = factorOfFastest(all);
  return { work: 'ingest of the same, unchanged', unit: 'ms', runs: 7, warmUps: 1, contenders, target };
}

function check(storeNode: StoreNode, all: readonly Peer[]): Measurement {
  const able = all.filter(({ verify }) => verify !== undefined);
  const contenders = able.map((peer): Contender => ({
    name: peer.name,
    role: roleOf(peer),
    sample: () => command(storeNode, peer.verify?.(`${FOLDER}/kept/${peer.name}`) ?? []),
  }));
  return { work: 'check of all contents', unit: 'ms', runs: 7, warmUps: 1, contenders, target: factorOfFastest(able) };
}

/** By the clock of the driver: the agent that does this is running. */
function rootOfContainer({ drive }: StoreNode): Measurement {
  const timeOf = (name: string) => async () => (await drive('root', `${FOLDER}/kept/volt`))[name] ?? Number.NaN;
  return {
    work: 'root file system of a container, its image there',
    unit: 'ms',
    runs: 10,
    warmUps: 1,
    contenders: [{ name: 'volt', role: 'ours', sample: timeOf('rootMs') }],
    target: () => ROOT_MS_MAX,
  };
}

function largeFile(storeNode: StoreNode): Measurement[] {
  const sum =
    (...options: string[]) =>
    () =>
      command(storeNode, ['b3sum', ...options, LARGE]);
  const verify = () => command(storeNode, [DRIVER, 'verify', `${FOLDER}/large-object`]);
  let turn = 0;
  const into = async (work: (folder: string) => readonly string[]): Promise<number> => {
    const folder = `${FOLDER}/large-runs/${turn++}`;
    await storeNode.node.sh(`mkdir -p ${folder}; sync`);
    try {
      return await command(storeNode, work(folder));
    } finally {
      await storeNode.node.sh(`rm -r ${folder}`);
    }
  };
  return [
    {
      work: 'check of one file of 1 GiB',
      unit: 'ms',
      runs: 7,
      warmUps: 1,
      contenders: [
        { name: 'volt', role: 'ours', sample: verify },
        { name: 'b3sum', role: 'peer', sample: sum() },
        { name: 'b3sum, one thread', role: 'reference', sample: sum('--num-threads=1') },
      ],
      target: (medians) => (medians['b3sum'] ?? Number.NaN) / THROUGHPUT,
    },
    {
      work: 'ingest of one file of 1 GiB',
      unit: 'ms',
      runs: 3,
      warmUps: 0,
      contenders: [
        {
          name: 'volt',
          role: 'ours',
          sample: () => into((folder) => [DRIVER, 'ingest', folder, LARGE_FOLDER]),
        },
        {
          name: 'cp and sync',
          role: 'reference',
          sample: () => into((folder) => ['sh', '-c', `cp ${LARGE} ${folder}/copy && sync ${folder}/copy`]),
        },
      ],
    },
  ];
}

function memory({ drive, node }: StoreNode): Measurement[] {
  let turn = 0;
  const rssOf = (operation: string, folder: string) => async () => {
    const repository = operation === 'verify' ? folder : `${FOLDER}/memory/${turn++}`;
    await node.sh(`mkdir -p ${repository}`);
    return (await drive(operation, repository, operation === 'verify' ? '' : folder))['rssMib'] ?? Number.NaN;
  };
  const measured = (work: string, sample: Contender['sample']): Measurement => ({
    work: `memory (peak RSS) of ${work}`,
    unit: 'MiB',
    runs: 3,
    warmUps: 0,
    contenders: [{ name: 'volt', role: 'ours', sample }],
    target: () => MEMORY_MIB_MAX,
  });
  return [
    measured('the ingest of a Debian', rssOf('ingest', ROOTFS)),
    measured('the ingest of one file of 1 GiB', rssOf('ingest', LARGE_FOLDER)),
    measured('the check of all contents', rssOf('verify', `${FOLDER}/kept/volt`)),
  ];
}

/** The store is made when it is first asked for, and collected once: the second time there is nothing to remove. */
function manyObjects(storeNode: StoreNode): Measurement[] {
  const folder = `${FOLDER}/many`;
  const isFilled = async () => storeNode.drive('fill', folder, String(OBJECTS));
  let filling: Promise<unknown> | undefined;
  const once = (operation: string) => async () => {
    await (filling ??= isFilled());
    return command(storeNode, [DRIVER, operation, folder]);
  };
  return [
    {
      work: 'status of a million objects',
      unit: 'ms',
      runs: 3,
      warmUps: 0,
      contenders: [{ name: 'volt', role: 'ours', sample: once('status') }],
      target: () => STATUS_MS_MAX,
    },
    {
      work: 'collection of a million objects, half of them garbage',
      unit: 'ms',
      runs: 1,
      warmUps: 0,
      contenders: [{ name: 'volt', role: 'ours', sample: once('gc') }],
      target: () => GC_MS_MAX,
    },
  ];
}
