/**
 * The quick start. Without options: a lab of three real systemd nodes, a
 * cluster of them, an image, three replicas, and the loss of a node. Can be
 * repeated; what is there already is kept.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { toVoltError, VoltError, exitCode } from '@volt/shared/errors';
import { formCluster, untilReady } from '../e2e/cluster/index.ts';
import { DEFAULT_BINARY, openLab, prepareHost, type Lab } from '../e2e/lab/index.ts';
import { addLabContext, removeLabContext } from './quickstart/context.ts';
import {
  buildImage,
  deploy,
  fetchPage,
  instances,
  nodeToLose,
  untilServing,
  type Instance,
} from './quickstart/demo.ts';
import { installHost } from './quickstart/host.ts';
import { Steps } from './quickstart/steps.ts';

const USAGE = `Usage: npm run quickstart [-- --down [--purge] | --host]

  (nothing)   build Volt, boot a lab of three nodes, form a cluster and show it
  --down      remove the lab; with --purge its caches as well
  --host      install Volt on this machine, as a single node
`;

async function main(argv: readonly string[]): Promise<void> {
  const known = new Set(['--down', '--purge', '--host', '--help']);
  const unknown = argv.find((word) => !known.has(word));
  if (unknown !== undefined)
    throw new VoltError('USAGE', `Unknown option '${unknown}'`, { hint: 'npm run quickstart -- --help' });
  if (argv.includes('--help')) return void process.stdout.write(USAGE);
  if (argv.includes('--down')) return down(argv.includes('--purge'));
  if (argv.includes('--host')) return installHost(build);
  await up();
}

async function down(purge: boolean): Promise<void> {
  const lab = await openLab();
  await lab.down({ purge });
  await removeLabContext();
  process.stdout.write('The lab is gone.\n');
}

async function up(): Promise<void> {
  const steps = new Steps();
  process.stdout.write('Volt quick start: three nodes, a cluster, a workload, and the loss of a node.\n');
  if (existsSync('/run/systemd/system')) {
    process.stdout.write('  (This machine runs systemd: `npm run quickstart -- --host` would install Volt on it.)\n');
  }
  await steps.run('Install what the lab needs', prepareHost);
  await steps.run('Build the volt binary', build);
  const lab = await openLab();
  await steps.run('Boot three systemd nodes', async () => lab.up({ binary: DEFAULT_BINARY }));
  await lab.installBinary(DEFAULT_BINARY);
  const first = lab.node(1);
  await steps.run('Form a cluster of them', (report) => formCluster(lab, report));
  await addLabContext(lab);
  await steps.run('Build an image: Debian trixie with nginx', (report) => buildImage(first, report));
  const before = await steps.run('Deploy three replicas and fetch a page from each', () => deploy(first));
  const pages = await Promise.all(before.map((instance) => fetchPage(first, instance)));
  const loss = await steps.run('Take a node away, and wait for its replica elsewhere', () => loseNode(lab, before));
  await steps.run(`Boot ${loss.node} again`, async () => {
    await lab.node(loss.node).boot();
    await untilReady(first, lab.nodes.length);
  });
  summary(steps, { before, pages, loss, after: await instances(first) });
}

interface Loss {
  readonly node: string;
  readonly seconds: number;
  readonly moved: readonly Instance[];
}

async function loseNode(lab: Lab, before: readonly Instance[]): Promise<Loss> {
  const victim = nodeToLose(lab, before);
  const began = performance.now();
  await victim.powerLoss();
  const after = await untilServingElsewhere(lab, victim.name);
  const seconds = (performance.now() - began) / 1000;
  const home = new Map(before.map(({ name, node }) => [name, node]));
  return { node: victim.name, seconds, moved: after.filter(({ name, node }) => home.get(name) !== node) };
}

async function untilServingElsewhere(lab: Lab, lost: string): Promise<Instance[]> {
  for (;;) {
    const running = await untilServing(lab.node(1));
    if (running.every(({ node }) => node !== lost)) return running;
  }
}

interface Story {
  readonly before: readonly Instance[];
  readonly pages: readonly string[];
  readonly loss: Loss;
  readonly after: readonly Instance[];
}

function summary(steps: Steps, { before, pages, loss, after }: Story): void {
  const rows = before.map(
    ({ name, node, address }, index) => `    ${name} on ${node} at ${address}: ${pages[index]?.trim()}`,
  );
  const moved = loss.moved.map(({ name, node, address }) => `${name} to ${node} at ${address}`).join(', ');
  process.stdout.write(`
Done in ${steps.total()}. What happened:
  Three Debian nodes run systemd, NATS, an agent and a controller each; one controller leads.
  The image 'web' was built on node1 and fetched by the nodes that needed it.
  Three replicas answered:
${rows.join('\n')}
  ${loss.node} lost its power. After ${loss.seconds.toFixed(1)} s its replica served elsewhere: ${moved}.
  ${loss.node} is back. Running now: ${after.map(({ name, node }) => `${name} on ${node}`).join(', ')}.

Go on with:
  pnpm volt ps                     what runs, and where      (npx -y pnpm@12.21.0 volt ps, without pnpm)
  pnpm volt logs web -f            what it prints
  pnpm volt deploy scale web 5     more of it
  pnpm volt node list              the machines
  pnpm lab power-loss node2        take another one away
  npm run quickstart -- --down     remove all of it
`);
}

/** In a process of its own, as `pnpm build` runs it. */
async function build(report: (line: string) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const child = spawn(process.execPath, ['scripts/build.ts'], { stdio: ['ignore', 'pipe', 'inherit'] });
  child.stdout.on('data', (chunk: Buffer) => report(chunk.toString('utf8').trim().split('\n').at(-1) ?? ''));
  child.once('error', reject);
  child.once('exit', (code) => {
    if (code === 0) resolve();
    else reject(new VoltError('GENERAL', 'The build failed', { hint: 'pnpm build' }));
  });
  await promise;
}

main(process.argv.slice(2)).catch((thrown: unknown) => {
  const error = toVoltError(thrown);
  const cause = error.code === 'GENERAL' ? `\n${(error.cause as Error | undefined)?.stack ?? ''}` : '';
  process.stderr.write(`error: ${error.message}${cause}\n${error.hint === undefined ? '' : `hint: ${error.hint}\n`}`);
  process.exitCode = exitCode(error.code);
});
