import { defineConfig } from 'vitest/config';

/**
 * unit: values and fakes, seconds. contract: the real ports on this machine
 * (nats-server, sockets, files). slow: those of them that take their time, as
 * elections and installing a Debian do. e2e: a real systemd node in a lab, and
 * machines in QEMU. cluster: three nodes in another, as one.
 */
const real = { globalSetup: ['e2e/contracts/vitest-setup.ts'], testTimeout: 60_000, hookTimeout: 120_000 };

/** Scenarios that need more than one node. */
const ofClusters = ['e2e/scenarios/cluster*.test.ts', 'e2e/scenarios/lab.test.ts'];

/** One set of nodes, on which scenarios take turns. Each project has its own, so that they can run side by side. */
const lab = (name: string) => ({
  globalSetup: ['e2e/lab/vitest-setup.ts'],
  env: { VOLT_LAB_NAME: process.env['VOLT_LAB_NAME'] ?? `volt-test-${name}` },
  fileParallelism: false,
  testTimeout: 180_000,
  hookTimeout: 300_000,
});

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            '{agent,controller,cli,shared}/src/**/*.test.ts',
            'scripts/**/*.test.ts',
            'e2e/{lab,bench}/**/*.test.ts',
          ],
          // A deadline, and no measure of speed: other checks run beside.
          testTimeout: 30_000,
          // Modules are loaded once and not once a file: half of the time. They hold no state worth forgetting.
          isolate: false,
          // By itself one processor is left to others, which is half of a small machine.
          maxWorkers: '100%',
        },
      },
      {
        test: {
          name: 'contract',
          include: ['e2e/contracts/**/*.test.ts'],
          exclude: ['**/*.slow.test.ts'],
          ...real,
        },
      },
      {
        test: {
          name: 'slow',
          include: ['e2e/contracts/**/*.slow.test.ts'],
          // Elections on a busy machine take several rounds.
          fileParallelism: false,
          ...real,
        },
      },
      { test: { name: 'e2e', include: ['e2e/scenarios/**/*.test.ts'], exclude: ofClusters, ...lab('one') } },
      { test: { name: 'cluster', include: ofClusters, ...lab('three') } },
    ],
  },
});
