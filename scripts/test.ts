/**
 * `npm test`: every check, every test, the lab included. At the end it tells
 * again what failed, and the last line is `N passed, N failed`; a check that
 * is not a test run counts as one.
 *
 *   npm test -- unit contract     only these parts: check unit contract slow build e2e cluster
 *   npm test -- agent/src/engine  only tests with this in their path, the lab left out
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describeFailures } from './check/failures.ts';
import { readReport } from './check/report.ts';
import { runStep, runSteps, staticChecks, top, vitestStep, type Outcome, type Step } from './check/steps.ts';
import { isGreen, table, tallyCheck, tallyRun, totalLine, type Tally } from './check/tally.ts';

const PARTS = ['check', 'unit', 'contract', 'slow', 'build', 'e2e', 'cluster'];
const WITHOUT_LAB = ['unit', 'contract', 'slow'];
const results = join(top, 'dist/test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const args = process.argv.slice(2);
const filters = args.filter((arg) => !PARTS.includes(arg));
const named = args.filter((arg) => PARTS.includes(arg));
const parts = named.length > 0 ? named : filters.length > 0 ? WITHOUT_LAB : PARTS;

const tallies: Tally[] = [];
await runTogether();
const isBuilt = !parts.includes('build') || (await build());
// Side by side, as they wait more than they work. The longest is shown while it runs, the others when they end.
const shownLive = (project: string) => ({ show: project === 'cluster' });
await Promise.all(['cluster', 'e2e', 'slow'].map((project) => runIfWanted(project, shownLive(project))));

const total = totalLine(tallies);
writeFileSync(join(results, 'total.txt'), `${total}\n`);
const failures = tallies.flatMap((tally) => tally.failures);
if (failures.length > 0) title('failed');
console.log(`${describeFailures(failures)}\n\n${table(tallies)}\n\n${total}`);
process.exitCode = isGreen(tallies) ? 0 : 1;

/** The quick ones, the longest first: the short ones fill the gaps. */
async function runTogether(): Promise<void> {
  const projects = ['unit', 'contract'].filter((project) => parts.includes(project));
  const steps = [...projects.map(stepOf), ...(parts.includes('check') ? staticChecks : [])];
  await runSteps(steps, availableParallelism(), (outcome) => {
    title(outcome.step.name);
    console.log(outcome.output.trimEnd());
    tallies.push(tallyOf(outcome));
  });
}

async function runIfWanted(project: string, options: { show: boolean }): Promise<void> {
  if (!parts.includes(project)) return;
  // Without the binary the lab has nothing to install.
  if (!isBuilt && project !== 'slow') tallies.push(notRun(project, 'it needs the build'));
  else await run(project, options);
}

async function run(project: string, { show }: { show: boolean }): Promise<void> {
  if (show) title(project);
  const outcome = await runStep(stepOf(project), { show });
  if (!show) title(project);
  if (!show) console.log(outcome.output.trimEnd());
  tallies.push(tallyOf(outcome));
}

function stepOf(project: string): Step {
  return vitestStep(project, reportFile(project), filters);
}

function tallyOf(outcome: Outcome): Tally {
  const { name } = outcome.step;
  if (staticChecks.includes(outcome.step)) return tallyCheck({ name, ...outcome });
  const report = readReport(read(reportFile(name)), top);
  return tallyRun({ name, ...outcome }, report, { isPartial: filters.length > 0 });
}

function reportFile(project: string): string {
  return join(results, `${project}.json`);
}

async function build(): Promise<boolean> {
  title('build');
  const step: Step = { name: 'build', command: [process.execPath, 'scripts/build.ts'], fix: 'pnpm build' };
  const outcome = await runStep(step, { show: true });
  tallies.push(tallyCheck({ name: 'build', ...outcome }));
  return outcome.exitCode === 0;
}

function notRun(name: string, why: string): Tally {
  return tallyCheck({ name, exitCode: 1, seconds: 0, output: `Not run: ${why}` });
}

function title(text: string): void {
  console.log(`\n── ${text} ${'─'.repeat(Math.max(0, 76 - text.length))}`);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
