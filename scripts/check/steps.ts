/** One check is one program that ends well or not. `pnpm check` and `npm test` run the same list. */
import { type ChildProcess, spawn } from 'node:child_process';
import { constants } from 'node:os';
import { delimiter, join, resolve } from 'node:path';

export interface Step {
  readonly name: string;
  readonly command: readonly string[];
  /** What to type when it is red. */
  readonly fix: string;
}

export interface Outcome {
  readonly step: Step;
  readonly exitCode: number;
  readonly seconds: number;
  readonly output: string;
}

export const top = resolve(import.meta.dirname, '../..');
const bin = join(top, 'node_modules/.bin');
const vitest = join(top, 'node_modules/vitest/vitest.mjs');

/** Told to end, we end what we started first: a lab must not be left half made. */
const running = new Set<ChildProcess>();
for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    if (running.size === 0) process.exit(128 + constants.signals[signal]);
    for (const child of running) {
      child.once('close', () => running.size === 0 && process.exit(128 + constants.signals[signal]));
      child.kill(signal);
    }
  });
}

/** Of what a step says, this many pieces are kept: the last ones say why it failed. */
const OUTPUT_PARTS_MAX = 10_000;

/** All that can be known without running the product. */
export const staticChecks: readonly Step[] = [
  { name: 'types', command: [join(bin, 'tsc'), '-p', '.'], fix: 'pnpm types' },
  { name: 'format', command: [join(bin, 'oxfmt'), '--check', '.'], fix: 'pnpm format' },
  { name: 'tidy', command: [process.execPath, 'scripts/tidy.ts'], fix: 'pnpm tidy, and do as it says' },
  { name: 'lint', command: [join(bin, 'oxlint'), '--type-aware', '--deny-warnings'], fix: 'pnpm lint' },
  {
    name: 'unused',
    command: [join(bin, 'knip'), '--no-progress', '--no-config-hints'],
    fix: 'remove it, or use it; knip.json lists the entries',
  },
];

export function vitestStep(project: string, reportFile: string, filters: readonly string[] = []): Step {
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
  // Somebody who asks for one room need not know which projects have tests of it.
  const few = filters.length > 0 ? ['--passWithNoTests', ...filters] : [];
  return {
    name: project,
    command: [process.execPath, vitest, 'run', '--project', project, ...reporters, ...few],
    fix: `npx vitest --project ${project}`,
  };
}

/** Runs one step. With `show`, its output goes to the terminal while it runs as well. */
export async function runStep(step: Step, options: { show: boolean }): Promise<Outcome> {
  const startedMs = performance.now();
  const [program = '', ...args] = step.command;
  const child = spawn(program, args, {
    cwd: top,
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env['PATH'] ?? ''}`,
      // node:ffi says on every start that it is experimental.
      NODE_OPTIONS: '--disable-warning=ExperimentalWarning',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  const parts: Buffer[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (part: Buffer) => {
      if (options.show) process.stdout.write(part);
      parts.push(part);
      if (parts.length > OUTPUT_PARTS_MAX) parts.shift();
    });
  }
  const exitCode = await new Promise<number>((done) => {
    child.on('error', (error) => {
      parts.push(Buffer.from(`${error.message}\n`));
      done(127);
    });
    child.on('close', (code) => {
      running.delete(child);
      done(code ?? 1);
    });
  });
  const seconds = (performance.now() - startedMs) / 1000;
  return { step, exitCode, seconds, output: Buffer.concat(parts).toString() };
}

/** Runs steps side by side, so many at a time, and tells of each as it ends. */
export async function runSteps(
  steps: readonly Step[],
  atOnce: number,
  tell: (outcome: Outcome) => void,
): Promise<Outcome[]> {
  const waiting = [...steps];
  const outcomes: Outcome[] = [];
  const worker = async (): Promise<void> => {
    for (let step = waiting.shift(); step !== undefined; step = waiting.shift()) {
      const outcome = await runStep(step, { show: false });
      outcomes.push(outcome);
      tell(outcome);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return outcomes;
}

/** One line when it went well; all it said, and what to type, when it did not. */
export function describeOutcome({ step, exitCode, seconds, output }: Outcome): string {
  const line = `${exitCode === 0 ? '✓' : '✗'} ${step.name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s`;
  if (exitCode === 0) return line;
  const said = output.trimEnd().replaceAll(/^/gm, '    ');
  return `${line}\n${said}\n    → ${step.fix}`;
}
