/** For scenarios: the lab the test run brought up, and evidence of what failed. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError, wrapError } from '@volt/shared/errors';
import type { EvidenceCommand } from './evidence.ts';
import { openLab, type Lab } from './lab.ts';
import { REPOSITORY, type Report } from './settings.ts';

export { eventually } from './eventually.ts';

export const EVIDENCE_DIR = join(REPOSITORY, '.lab/evidence');

/** The lab of the e2e tests; not the one a person plays with. */
export function openTestLab(options: { name?: string; nodes?: number; report?: Report } = {}): Promise<Lab> {
  const { name = process.env['VOLT_LAB_NAME'] ?? 'volt-test', ...rest } = options;
  return openLab({ name, ...rest });
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
