/**
 * `npm test`: every check, every test, the lab included. At the end it tells
 * again what failed, and the last line is `N passed, N failed`; a check that
 * is not a test run counts as one.
 *
 *   npm test -- unit contract     only these parts: check unit contract build e2e
 *   npm test -- agent/src/engine  only unit and contract tests with this in their path
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { prepareHost } from '../e2e/lab/index.ts';
import { describeFailures } from './check/failures.ts';
import { readReport } from './check/report.ts';
import { describeOutcome, runStep, runSteps, staticChecks, top, vitestStep, type Step } from './check/steps.ts';
import { isGreen, table, tallyCheck, tallyRun, totalLine, type Tally } from './check/tally.ts';

const PARTS = ['check', 'unit', 'contract', 'build', 'e2e'];
const results = join(top, 'dist/test-results');
rmSync(results, { recursive: true, force: true });
mkdirSync(results, { recursive: true });

const args = process.argv.slice(2);
const filters = args.filter((arg) => !PARTS.includes(arg));
const named = args.filter((arg) => PARTS.includes(arg));
const parts = named.length > 0 ? named : filters.length > 0 ? ['unit', 'contract'] : PARTS;

const tallies: Tally[] = [];
if (parts.includes('check')) await check();
if (parts.includes('unit')) await run('unit');
if (parts.includes('contract') || parts.includes('e2e')) await prepareHost(console.log);
if (parts.includes('contract')) await run('contract');
const isBuilt = !parts.includes('build') || (await build());
// Without the binary the lab has nothing to install.
if (parts.includes('e2e')) await (isBuilt ? run('e2e') : tallies.push(notRun('e2e', 'it needs the build')));

const total = totalLine(tallies);
writeFileSync(join(results, 'total.txt'), `${total}\n`);
const failures = tallies.flatMap((tally) => tally.failures);
if (failures.length > 0) title('failed');
console.log(`${describeFailures(failures)}\n\n${table(tallies)}\n\n${total}`);
process.exitCode = isGreen(tallies) ? 0 : 1;

async function check(): Promise<void> {
  title('checks');
  const outcomes = await runSteps(staticChecks, availableParallelism(), (outcome) =>
    console.log(describeOutcome(outcome)),
  );
  for (const outcome of outcomes) tallies.push(tallyCheck({ name: outcome.step.name, ...outcome }));
}

async function run(project: string): Promise<void> {
  title(project);
  const reportFile = join(results, `${project}.json`);
  const outcome = await runStep(vitestStep(project, reportFile, filters), { show: true });
  const report = readReport(read(reportFile), top);
  tallies.push(tallyRun({ name: project, ...outcome }, report, { isPartial: filters.length > 0 }));
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
