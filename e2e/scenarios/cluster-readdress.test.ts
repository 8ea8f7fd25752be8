/**
 * A machine where containers run joins a cluster. In a lab of its own, because
 * the other scenarios' nodes are members from the beginning.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exitCode } from '@volt/shared/errors';
import type { ContainerStatus } from '@volt/shared/model';
import { eventually, installAgent, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { EVIDENCE_DIR, openTestLab } from '../lab/testing.ts';
import { IMAGE, importWeb, pageOf, running } from './cluster-web.ts';

const TIMEOUT_MS = 180_000;

let lab: Lab;
let first: LabNode;
let second: LabNode;

beforeAll(async () => {
  const main = await openTestLab();
  lab = await openLab({ name: `${main.name}-move`, nodes: 2 });
  await lab.down();
  await lab.up({ binary: join(main.paths.bin, 'volt') });
  [first, second] = lab.nodes as [LabNode, LabNode];
  await Promise.all(lab.nodes.map(installAgent));
  await importWeb(second);
});

afterAll(async () => lab.down());

const withEvidence = (body: () => Promise<void>) => async () => {
  try {
    await body();
  } catch (error) {
    await lab.collectEvidence(join(EVIDENCE_DIR, 'readdress'));
    throw error;
  }
};

const containers = async (): Promise<string[]> =>
  (await voltJson<ContainerStatus[]>(second, ['container', 'list'])).map(
    ({ name, state, address }) => `${name} ${state} ${address}`,
  );

const joins = (token: string, ...flags: string[]) =>
  volt(
    second,
    [
      ...['cluster', 'join', `${first.address}:7444`, '--address', second.address, '--role', 'agent'],
      ...['--token-file', '-', ...flags],
    ],
    { input: token },
  );

test(
  'it is told that they would get other addresses; then they have them, run, and are reached from the other node',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await voltText(second, ['run', 'web', IMAGE, '--env', 'COLOUR=blue']);
    await voltText(second, ['container', 'create', 'idle', IMAGE]);
    expect(await containers()).toEqual(['idle created 10.0.0.3', 'web running 10.0.0.2']);
    await voltText(first, ['cluster', 'init', '--address', first.address]);
    const { join: token } = await eventually('the controller gives a token', () =>
      voltJson<{ join: string }>(first, ['cluster', 'token']).catch(() => undefined),
    );

    const refused = await joins(token);
    expect(refused.code).toBe(exitCode('CONFLICT'));
    expect(refused.stderr).toMatch(/get other addresses: 'web'[\s\S]*--readdress/);
    expect(await containers()).toEqual(['idle created 10.0.0.3', 'web running 10.0.0.2']);
    expect(await pageOf(second, '10.0.0.2')).toBe('web blue\n');

    expect(await joins(token, '--readdress')).toMatchObject({ code: 0 });
    await untilReady(first, 2);
    const address = await eventually('the container is back', async () => {
      const rows = await containers().catch(() => []);
      return /^web running (10\.1\.1\.\d+)$/m.exec(rows.join('\n'))?.[1];
    });
    expect(await eventually('it is reached', () => pageOf(first, address).catch(() => undefined))).toBe('web blue\n');
    expect((await containers()).find((row) => row.startsWith('idle'))).toMatch(/^idle (created|stopped) 10\.1\.1\./);
    expect(await running(second)).toEqual(['web']);
    // The agent that starts once more has nothing to do.
    const pid = await second.sh('systemctl show --property=MainPID volt-container@web.service');
    await second.sh('systemctl restart volt.service');
    await untilReady(first, 2);
    expect(await second.sh('systemctl show --property=MainPID volt-container@web.service')).toBe(pid);
  }),
);
