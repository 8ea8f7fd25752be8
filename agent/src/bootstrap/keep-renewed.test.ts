import { describe, expect, test, vi } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { loadClusterIdentity, type ClusterIdentity } from '@volt/shared/pki';
import { createRenewal, renewedRow } from './keep-renewed.ts';
import { after, LIFE, member, START } from './testing/renewal.ts';

/** A node whose loop has looked `looks` times when it ends; each wait ends at once, and its length is kept. */
async function node(looks: number) {
  const { ports, world, dir } = await member(['agent']);
  const over = new AbortController();
  const waits: number[] = [];
  const said: string[] = [];
  const sleep = async (ms: number) => {
    waits.push(ms);
    if (waits.length >= looks) over.abort();
  };
  const log = { info: () => {}, warn: (what: object) => void said.push((what as { message: string }).message) };
  const first = await loadClusterIdentity(dir);
  const renewal = createRenewal({ ...ports, sleep, log }, first);
  const use = vi.fn<(identity: ClusterIdentity) => Promise<void>>(async () => {});
  return { renewal, world, waits, said, use, over, first: first!, run: () => renewal.run(use, over.signal) };
}

describe('the loop of a node', () => {
  test('looks now and then, and takes nothing into use as long as nothing changes', async () => {
    const { run, waits, use } = await node(3);
    await run();
    expect(waits).toEqual([30_000, 30_000, 30_000]);
    expect(use).not.toHaveBeenCalled();
  });

  test('takes what was renewed into use once', async () => {
    const { run, world, use, first } = await node(3);
    world.now = after(2701);
    await run();
    expect(world.asked).toBe(1);
    expect(use).toHaveBeenCalledOnce();
    expect(use.mock.calls[0]![0].cert).not.toBe(first.cert);
  });

  test('tries again what could not be taken into use, and asks for no other certificate', async () => {
    const { run, world, use } = await node(3);
    world.now = after(2701);
    use.mockRejectedValueOnce(new VoltError('NETWORK', 'NATS lets nobody in'));
    await run();
    expect(world.asked).toBe(1);
    expect(use).toHaveBeenCalledTimes(2);
  });

  test('takes into use what was renewed before it began', async () => {
    const { run, renewal, use, over } = await node(2);
    await renewal.renew(over.signal);
    await run();
    expect(use).toHaveBeenCalledOnce();
  });

  test('says once what keeps it from renewing, and goes on', async () => {
    const { run, world, said } = await node(4);
    world.now = after(2701);
    world.isRevoked = true;
    await run();
    expect(said).toEqual(["The key of node 'node2' was revoked"]);
  });
});

test('somebody who renews by hand and the loop take turns, and both are told the same', async () => {
  const { renewal, world, over } = await node(1);
  world.now = after(2701);
  const [one, two] = await Promise.all([renewal.renew(over.signal), renewal.renew(over.signal)]);
  expect(world.asked).toBe(2);
  const until = new Date(START.getTime() + (2701 + LIFE) * 1000).toISOString();
  expect(renewedRow(one)).toEqual({ node: 'node2', until, credentialsUntil: until });
  expect(renewedRow(two)).toEqual(renewedRow(one));
});

test('a machine that is in no cluster has nothing to renew', async () => {
  const { ports } = await member(['agent']);
  const nowhere = { ...ports, dir: '/nonexistent', sleep: async () => {}, log: { info: () => {}, warn: () => {} } };
  await expect(createRenewal(nowhere, null).renew(new AbortController().signal)).rejects.toMatchObject({
    code: 'DEPENDENCY',
  });
});
