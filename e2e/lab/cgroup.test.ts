import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Cgroup, cgroupMounts } from './cgroup.ts';

test('a group exists in every hierarchy, and its removal takes those below', async () => {
  const root = await mkdtemp(join(tmpdir(), 'volt-lab-cgroup-'));
  try {
    const mounts = { unified: join(root, 'unified'), named: [join(root, 'systemd')] };
    const group = new Cgroup(mounts, 'volt.lab/node1');
    expect(group.folders).toEqual([join(root, 'unified/volt.lab/node1'), join(root, 'systemd/volt.lab/node1')]);
    await group.create();
    await mkdir(join(group.path, 'payload/init.scope'), { recursive: true });
    await group.remove();
    await group.remove();
    expect(await group.isPopulated()).toBe(false);
    expect(await group.members()).toEqual([]);
    // Only the group itself went; its parent is another's.
    await expect(mkdir(join(root, 'unified/volt.lab'))).rejects.toMatchObject({ code: 'EEXIST' });
  } finally {
    await rm(root, { recursive: true });
  }
});

test('a host without cgroup version 2 is told what to do', () => {
  expect(() => cgroupMounts(tmpdir())).toThrow(expect.objectContaining({ code: 'DEPENDENCY' }));
});
