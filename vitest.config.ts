import { defineConfig } from 'vitest/config';

/**
 * unit: values and fakes, seconds. contract: the real ports on this machine
 * (nats-server, sockets, files). e2e: real systemd nodes in the lab.
 */
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
        },
      },
      {
        test: {
          name: 'contract',
          include: ['e2e/contracts/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['e2e/scenarios/**/*.test.ts'],
          globalSetup: ['e2e/lab/vitest-setup.ts'],
          // One lab, one set of nodes: scenarios take turns.
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
