/** The life of a container, one at a time and fifty at once, beside other engines that keep containers. */
import { toVoltError } from '@volt/shared/errors';
import type { Bench, Contender, Measurement, PreparedBench, Report } from '../bench.ts';
import type { Measure } from '../start/index.ts';
import { openContainersNode, type ContainersNode } from './containers-node.ts';
import { incus, peers, volt, type Engine } from './engines.ts';

const CROWD = 50;
const RUNS = 20;
const CROWD_RUNS = 3;
/** Of what Incus takes for its list. */
const LIST_SHARE = 0.2;

export const containers: Bench = {
  name: 'containers',
  summary: 'launch, exec, stop and delete, one and fifty at once, and a list of fifty',
  prepare,
};

async function prepare(report: Report): Promise<PreparedBench> {
  const benchNode = await openContainersNode(report);
  try {
    const engines = [volt, ...(await usablePeers(benchNode, report))];
    const { measure } = benchNode;
    for (const engine of engines) await measure(run(engine.launch(STANDING)));
    return {
      measurements: measurementsOf(engines, measure),
      [Symbol.asyncDispose]: () => benchNode[Symbol.asyncDispose](),
    };
  } catch (error) {
    await benchNode[Symbol.asyncDispose]();
    throw error;
  }
}

/** Lets each peer show once that it works. One that does not is told of and left out. */
async function usablePeers({ node, measure }: ContainersNode, report: Report): Promise<Engine[]> {
  const usable: Engine[] = [];
  for (const { engine, prepare } of peers) {
    try {
      report(`Preparing ${engine.name}`);
      await prepare(node);
      for (const argv of lifeOf(engine, 'first')) await measure(run(argv));
      usable.push(engine);
    } catch (thrown) {
      report(`${engine.name} is left out, it could not be used: ${toVoltError(thrown).message}`);
    }
  }
  return usable;
}

const lifeOf = (engine: Engine, name: string) => [
  engine.launch(name),
  engine.exec(name, TRUE),
  engine.list,
  engine.stop(name),
  engine.remove(name),
];

/** Runs throughout. */
const STANDING = 'standing';
const TRUE = '/bin/true';

function measurementsOf(engines: readonly Engine[], measure: Measure): Measurement[] {
  const of = (work: string, sample: (engine: Engine) => Promise<number>, runs = RUNS): Measurement => ({
    work,
    unit: 'ms',
    runs,
    warmUps: 1,
    contenders: engines.map((engine) => contender(engine, () => sample(engine))),
    target: fastestPeer,
  });
  const crowds = new Set<Engine>();
  return [
    of('launch: from the command to a container that runs', (engine) => one(engine, measure, 'launch')),
    of('exec of a program that ends at once', ({ exec }) => measure(run(exec(STANDING, TRUE)))),
    of('stop of a program that ends when it is asked to', (engine) => one(engine, measure, 'stop')),
    of('delete of one that is down', (engine) => one(engine, measure, 'remove')),
    of(`${CROWD} launches at once`, (engine) => many(engine, measure, 'launch'), CROWD_RUNS),
    of(`${CROWD} deletions at once`, (engine) => many(engine, measure, 'remove'), CROWD_RUNS),
    {
      // Last, for the crowds stay until the node is taken down.
      ...of(`list with ${CROWD} that run`, async (engine) => {
        if (!crowds.has(engine)) await measure(all(names('crowd', CROWD - 1).map(engine.launch)));
        crowds.add(engine);
        return measure(run(engine.list));
      }),
      target: (medians) => LIST_SHARE * (medians[incus.name] ?? Number.NaN),
    },
  ];
}

const contender = ({ name }: Engine, sample: () => Promise<number>): Contender => ({
  name,
  role: name === volt.name ? 'ours' : 'peer',
  sample,
});

const fastestPeer = (medians: Readonly<Record<string, number>>): number =>
  Math.min(...peers.map(({ engine }) => medians[engine.name] ?? Number.NaN).filter((median) => !Number.isNaN(median)));

type Step = 'launch' | 'stop' | 'remove';
const steps: readonly Step[] = ['launch', 'stop', 'remove'];

/** The whole short life of a container, of which one step is measured. */
async function one(engine: Engine, measure: Measure, measured: Step): Promise<number> {
  let ms = Number.NaN;
  for (const step of steps) {
    const took = await measure(run(engine[step]('one')));
    if (step === measured) ms = took;
  }
  return ms;
}

async function many(engine: Engine, measure: Measure, measured: Step): Promise<number> {
  let ms = Number.NaN;
  for (const step of steps) {
    const took = await measure(all(names('many', CROWD).map((name) => engine[step](name))));
    if (step === measured) ms = took;
  }
  return ms;
}

const names = (prefix: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${prefix}-${at}`);

const run = (argv: readonly string[]) => ({ act: { kind: 'command', argv } }) as const;
const all = (argvs: readonly (readonly string[])[]) => ({ act: { kind: 'commands', argvs } }) as const;
