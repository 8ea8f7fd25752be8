/**
 * Machines whose join breaks off. They have a lab of their own, because the
 * other scenarios' nodes are members for good.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, installAgent, joinCluster, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { EVIDENCE_DIR, openTestLab } from '../lab/testing.ts';

/** Of the controller's unit: NATS has started by then, had time to become one of the cluster's, and all is in vain. */
const BROKEN = `[Service]
ExecStartPre=/bin/sh -c 'until ss -Htn state established "( dport = :6222 or sport = :6222 )" | grep -q .; \\
  do sleep 0.1; done; sleep 4; exit 1'
`;
const DROP_IN = '/etc/systemd/system/volt-controller.service.d/broken.conf';
const DECIDES_MS_MAX = 30_000;

let lab: Lab;

beforeAll(async () => {
  const main = await openTestLab();
  lab = await openLab({ name: `${main.name}-join`, nodes: 3 });
  await lab.down();
  await lab.up({ binary: join(main.paths.bin, 'volt') });
  await Promise.all(lab.nodes.map(installAgent));
  const [first] = lab.nodes;
  await voltText(first!, ['cluster', 'init', '--address', first!.address]);
});

afterAll(async () => lab.down());

/** What the cluster cannot do without a majority of its NATS servers: write. */
const decides = (node: LabNode) =>
  eventually('the cluster decides', async () => (await volt(node, ['cluster', 'token'])).code === 0, DECIDES_MS_MAX);

async function breakController(node: LabNode): Promise<void> {
  await node.writeFile(DROP_IN, BROKEN);
  await node.sh('systemctl daemon-reload');
}

async function mendController(node: LabNode): Promise<void> {
  await node.sh('rm --force "$FILE"; systemctl daemon-reload', { env: { FILE: DROP_IN } });
}

async function expectNoMember(node: LabNode): Promise<void> {
  const [info] = [
    await voltJson<{ cluster: string | null } | [{ cluster: string | null }]>(node, ['system', 'info']),
  ].flat();
  expect(info!.cluster).toBeNull();
}

test('joins that break off leave no member; the cluster decides on, and the machines join later', async () => {
  const [first, second, third] = lab.nodes as [LabNode, LabNode, LabNode];
  try {
    for (const node of [second, third]) {
      await breakController(node);
      await expect(joinCluster(first, node)).rejects.toThrow(/did not join/);
      await expectNoMember(node);
      await decides(first);
    }
    for (const node of [second, third]) {
      await mendController(node);
      await joinCluster(first, node);
    }
    await untilReady(first, 3);
    await decides(first);
  } catch (error) {
    await lab.collectEvidence(join(EVIDENCE_DIR, 'joins-that-break-off'));
    throw error;
  }
});
