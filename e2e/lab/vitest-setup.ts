/**
 * Brings up the lab the scenarios run on, with a fresh build of `volt`, and
 * takes it down when they are over. VOLT_LAB_KEEP=1 leaves it up, and starts
 * from one that is there. VOLT_LAB_BINARY names a binary to use instead of
 * building one.
 */
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { mustRun } from './process.ts';
import { DEFAULT_BINARY, DEFAULT_NODE_COUNT, REPOSITORY } from './settings.ts';
import { openTestLab } from './testing.ts';

const BUILD_MS_MAX = 5 * 60_000;

export default async function setup({ config }: TestProject): Promise<() => Promise<void>> {
  // Tests have it from the same place, in processes of their own.
  const { VOLT_LAB_NAME: name } = config.env as Record<string, string | undefined>;
  const isKept = process.env['VOLT_LAB_KEEP'] === '1';
  const binary = process.env['VOLT_LAB_BINARY'] ?? (await build());
  const lab = await openTestLab({ name, nodes: DEFAULT_NODE_COUNT, report: console.error });
  // What a killed run left would make this one depend on it.
  if (!isKept) await lab.down();
  await lab.up({ binary });
  return async () => {
    if (!isKept) await lab.down();
  };
}

/** The build itself knows whether its output is older than the sources. */
async function build(): Promise<string> {
  await mustRun([process.execPath, join(REPOSITORY, 'scripts/build.ts')], { timeoutMs: BUILD_MS_MAX });
  return DEFAULT_BINARY;
}
