/** `pnpm check`: everything but what is slow, in under a minute. Exits 1 if anything is red. */
import { mkdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { describeOutcome, runSteps, staticChecks, top, vitestStep } from './check/steps.ts';

const results = join(top, 'dist/test-results');
mkdirSync(results, { recursive: true });

const startedMs = performance.now();
// The test runs come first: they are the longest, and the short ones fill the gaps.
const steps = [
  ...['unit', 'contract'].map((project) => vitestStep(project, join(results, `check-${project}.json`))),
  ...staticChecks,
];
const outcomes = await runSteps(steps, availableParallelism(), (outcome) => console.log(describeOutcome(outcome)));

const red = outcomes.filter(({ exitCode }) => exitCode !== 0).map(({ step }) => step.name);
const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
console.log(red.length === 0 ? `\nAll green in ${seconds} s` : `\nRed: ${red.join(', ')} (${seconds} s)`);
process.exitCode = red.length === 0 ? 0 : 1;
