/**
 * Machines whose join breaks off. They have a lab of their own, because the
 * other scenarios' nodes are members for good.
 */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, installAgent, joinCluster, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { EVIDENCE_DIR, openTestLab } from '../lab/testing.ts';
import { serversOf, untilCopied } from './cluster-view.ts';

/** Shell: NATS talks to another server, and had time to be counted on. */
const IS_CONNECTED = 'ss -Htn state established "( dport = :6222 or sport = :6222 )" | grep -q .';
const UNTIL_A_PEER = `until ${IS_CONNECTED}; do sleep 0.1; done; sleep 4`;
/** For the controller's unit: all that came before was in vain. */
const FAILS = `${UNTIL_A_PEER}; exit 1`;
/** It takes for ever, so that something can happen meanwhile. */
const HANGS = `${UNTIL_A_PEER}; touch /run/half-joined; sleep 1000`;
/** A witness that is of no more use goes by itself, maybe in this moment: then there is one unit less. */
const RESTART_NATS = `
active() { systemctl list-units --plain --no-legend --state=active 'volt-nats*.service' | cut -d ' ' -f 1; }
systemctl restart $(active) || systemctl restart $(active)`;
const DROP_IN = '/etc/systemd/system/volt-controller.service.d/broken.conf';
const DECIDES_MS_MAX = 30_000;
/** A node that vanishes is given up after 20 s; those that come later wait for it. */
const JOINS_MS_MAX = 90_000;
const TIMEOUT_MS = 300_000;

let lab: Lab;
let first: LabNode;
let second: LabNode;
let third: LabNode;

beforeAll(async () => {
  const main = await openTestLab();
  lab = await openLab({ name: `${main.name}-join`, nodes: 3 });
  await lab.down();
  await lab.up({ binary: join(main.paths.bin, 'volt') });
  await Promise.all(lab.nodes.map(installAgent));
  [first, second, third] = lab.nodes as [LabNode, LabNode, LabNode];
  await voltText(first, ['cluster', 'init', '--address', first.address]);
});

afterAll(async () => lab.down());

/** What the cluster cannot do without a majority of its NATS servers: write. */
const decides = () =>
  eventually('the cluster decides', async () => (await volt(first, ['cluster', 'token'])).code === 0, DECIDES_MS_MAX);

/** A leader counts for a while on who is gone; servers that begin anew must be a majority of all that are counted. */
async function decidesAfterRestart(): Promise<void> {
  await first.sh(RESTART_NATS);
  await eventually('there is a leader', async () => (await serversOf(first)) !== undefined, DECIDES_MS_MAX);
  await decides();
}

async function breakController(node: LabNode, how: string): Promise<void> {
  await node.writeFile(DROP_IN, `[Service]\nTimeoutStartSec=infinity\nExecStartPre=/bin/sh -c '${how}'\n`);
  await node.sh('rm --force /run/half-joined; systemctl daemon-reload');
}

async function mendController(node: LabNode): Promise<void> {
  await node.sh('rm --force "$FILE"; systemctl daemon-reload', { env: { FILE: DROP_IN } });
}

async function expectNoMember(node: LabNode): Promise<void> {
  type Info = { cluster: string | null };
  const [info] = [await voltJson<Info | [Info]>(node, ['system', 'info'])].flat();
  expect(info!.cluster).toBeNull();
}

/** Begins a join that hangs, does something to the node half-way, and resolves once the join has failed. */
async function joinUntil(node: LabNode, interrupt: () => Promise<unknown>): Promise<void> {
  await breakController(node, HANGS);
  const joining = joinCluster(first, node).then(
    () => 'joined',
    () => 'failed',
  );
  await eventually(
    'the join is half done',
    async () => (await node.exec(['test', '-e', '/run/half-joined'])).code === 0,
  );
  await interrupt();
  expect(await joining).toBe('failed');
}

const withEvidence = (body: () => Promise<void>) => async () => {
  try {
    await body();
  } catch (error) {
    await lab.collectEvidence(join(EVIDENCE_DIR, 'joins-that-break-off'));
    throw error;
  }
};

test(
  'joins that break off leave no member, and the cluster decides on, restarts of NATS included',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    for (const node of [second, third]) {
      await breakController(node, FAILS);
      await expect(joinCluster(first, node)).rejects.toThrow(/did not join/);
      await expectNoMember(node);
      await decidesAfterRestart();
    }
  }),
);

test(
  'an agent that is killed half-way clears up when it is started again',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await joinUntil(second, () => second.sh('systemctl kill --signal=KILL volt.service'));
    await eventually('the agent answers', async () => (await volt(second, ['system', 'info'])).code === 0);
    await expectNoMember(second);
    expect(await second.sh('ls /etc/volt/cluster')).toBe('node.key\n');
    await decidesAfterRestart();
  }),
);

test(
  'a machine that loses its power half-way is given up, and others go on',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await joinUntil(third, () => third.powerLoss());
    await decidesAfterRestart();
    await mendController(second);
    await eventually('the cluster takes in others', () => joins(second), JOINS_MS_MAX);
    await decidesAfterRestart();
  }),
);

test(
  'all of them join later: three servers, and three copies of everything',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await third.boot();
    await eventually('the agent answers', async () => (await volt(third, ['system', 'info'])).code === 0);
    await expectNoMember(third);
    await mendController(third);
    await eventually('the cluster takes it in', () => joins(third), JOINS_MS_MAX);
    await untilReady(first, 3);
    await untilCopied(lab);
    await decidesAfterRestart();
    await eventually('three servers are current, and no other is counted', async () => {
      const servers = await serversOf(first);
      return servers !== undefined && servers.size === 3 && servers.current.length === 3;
    });
    type Status = { copies: number; copiesWanted: number; notice: string | null };
    // The server that was restarted catches up first.
    await eventually('the status says so', async () => {
      const [status] = [await voltJson<Status | [Status]>(first, ['cluster', 'status'])].flat();
      return status?.copies === 3 && status.copiesWanted === 3 && status.notice === null;
    });
  }),
);

/** One that has to wait for another ends with CONFLICT, and is tried again. */
const joins = (node: LabNode): Promise<true> => joinCluster(first, node).then(() => true);
