/**
 * `npm test`: every check, every test, the lab included. The last line is
 * `N passed, N failed`; a check that is not a test run counts as one.
 *
 *   npm test -- unit contract     only these parts: check unit contract build e2e
 *   npm test -- agent/src/engine  only unit and contract tests with this in their path
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { prepareHost } from '../e2e/lab/index.ts';
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
if (parts.includes('e2e')) await (isBuilt ? run('e2e') : tallies.push(tallyCheck('e2e', 1, 0)));

const total = totalLine(tallies);
writeFileSync(join(results, 'total.txt'), `${total}\n`);
console.log(`\n${table(tallies)}\n\n${total}`);
process.exitCode = isGreen(tallies) ? 0 : 1;

async function check(): Promise<void> {
  title('checks');
  const outcomes = await runSteps(staticChecks, availableParallelism(), (outcome) =>
    console.log(describeOutcome(outcome)),
  );
  for (const { step, exitCode, seconds } of outcomes) tallies.push(tallyCheck(step.name, exitCode, seconds));
}

async function run(project: string): Promise<void> {
  title(project);
  const reportFile = join(results, `${project}.json`);
  const { exitCode, seconds } = await runStep(vitestStep(project, reportFile, filters), { show: true });
  tallies.push(tallyRun({ name: project, exitCode, seconds, isPartial: filters.length > 0 }, read(reportFile)));
}

async function build(): Promise<boolean> {
  title('build');
  const step: Step = { name: 'build', command: [process.execPath, 'scripts/build.ts'], fix: 'pnpm build' };
  const { exitCode, seconds } = await runStep(step, { show: true });
  tallies.push(tallyCheck('build', exitCode, seconds));
  return exitCode === 0;
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
