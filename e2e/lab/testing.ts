/** For scenarios: the lab the test run brought up, waiting with a deadline, and evidence of what failed. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError, wrapError } from '@volt/shared/errors';
import type { EvidenceCommand } from './evidence.ts';
import { openLab, type Lab } from './lab.ts';
import { REPOSITORY, type Report } from './settings.ts';

const EVENTUALLY_MS = 10_000;
const POLL_MS = 50;

export const EVIDENCE_DIR = join(REPOSITORY, '.lab/evidence');

/** The lab of the e2e tests; not the one a person plays with. */
export function openTestLab(options: { nodes?: number; report?: Report } = {}): Promise<Lab> {
  return openLab({ name: process.env['VOLT_LAB_NAME'] ?? 'volt-test', ...options });
}

/**
 * Calls `check` until it neither throws nor answers false or undefined, and
 * resolves with its answer. Past the deadline it rejects with TIMEOUT and the
 * last thing that was wrong.
 */
export async function eventually<T>(
  check: () => Promise<T> | T,
  options: { timeoutMs?: number; intervalMs?: number; what?: string } = {},
): Promise<Exclude<T, false | undefined>> {
  const timeoutMs = options.timeoutMs ?? EVENTUALLY_MS;
  const deadline = Date.now() + timeoutMs;
  const what = options.what ?? 'The expected';
  for (;;) {
    let wrong: unknown;
    try {
      const answer = await check();
      if (answer !== false && answer !== undefined) return answer as Exclude<T, false | undefined>;
      wrong = `the last answer was ${String(answer)}`;
    } catch (error) {
      wrong = error;
    }
    if (Date.now() >= deadline) {
      const last = wrong instanceof Error ? wrong.message : String(wrong);
      throw new VoltError('TIMEOUT', `${what} did not happen within ${timeoutMs} ms: ${last}`, { cause: wrong });
    }
    await pause(options.intervalMs ?? POLL_MS);
  }
}

/**
 * A test body that gathers evidence when it fails, in a folder named after the
 * scenario: `test('…', withEvidence('node loss', async (lab) => { … }))`.
 */
export function withEvidence(
  scenario: string,
  body: (lab: Lab) => Promise<void>,
  commands: readonly EvidenceCommand[] = [],
): () => Promise<void> {
  const folder = join(EVIDENCE_DIR, scenario.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-'));
  return async () => {
    const lab = await openTestLab();
    await rm(folder, { recursive: true, force: true });
    try {
      await body(lab);
    } catch (error) {
      await lab.collectEvidence(folder, commands);
      if (error instanceof VoltError) throw wrapError(error, `Evidence is in ${folder}`);
      if (error instanceof Error) error.message += `\nEvidence is in ${folder}`;
      throw error;
    }
  };
}
