/** Volumes and mounts: who may write what, what outlives what, and what a crash leaves. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VolumeDetail, VolumeSummary } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { mustRun } from '../lab/index.ts';
import { eventually, openTestLab } from '../lab/testing.ts';
import { openTestMachine, type Machine } from '../vm/index.ts';
import { ARCHIVE, holdings, idle, inside, inspect, MAKE_ARCHIVE, onOneNode, run } from './one-node.ts';

const { image, scenario: plain } = onOneNode('vols');

/** Has files of its own at the paths that it declares volumes at. */
const DECLARES = 'vols-declares';
const FOLDER = '/var/lib/volt/scenarios/vols';
const VOLUMES = '/var/lib/volt/volumes';

beforeAll(async () => {
  const node = (await openTestLab()).node(1);
  await clear(node);
  await node.sh(`rm -rf ${FOLDER}; mkdir -p ${FOLDER}/root/var/db ${FOLDER}/root/logs; cd ${FOLDER}
    echo seed > root/var/db/seed; chown -R 1234:33 root/var/db; chmod 2750 root/var/db; ln -s var/db root/db
    cp ${ARCHIVE} declares.tar; tar -rf declares.tar -C root .`);
  const declared = ['--volume', '/db', '--volume', '/logs', '--cmd', idle.join(' ')];
  await voltText(node, ['image', 'import', DECLARES, `${FOLDER}/declares.tar`, ...declared]);
});

afterAll(async () => {
  await voltText((await openTestLab()).node(1), ['image', 'delete', DECLARES]);
});

const volumes = (node: LabNode) => voltJson<VolumeSummary[]>(node, ['volume', 'list']);
const ours = async (node: LabNode) => (await volumes(node)).filter(({ name }) => name.startsWith('vols-'));
const names = async (node: LabNode) => (await volumes(node)).map(({ name }) => name);
const detail = (node: LabNode, name: string) => voltJson<VolumeDetail>(node, ['volume', 'inspect', name]);

async function clear(node: LabNode): Promise<void> {
  const all = await voltJson<{ name: string }[]>(node, ['container', 'list']);
  for (const { name } of all.filter((one) => one.name.startsWith('vols-'))) {
    await voltText(node, ['container', 'delete', name, '--force']);
  }
  for (const { name } of await ours(node)) await voltText(node, ['volume', 'delete', name]);
}

/** Whatever comes of it, the next one finds no volume of this one. */
const scenario = (name: string, body: (node: LabNode) => Promise<void>) =>
  plain(name, async (node) => {
    try {
      await body(node);
    } finally {
      await clear(node);
    }
  });

const withFlags = (...flags: string[]) => ({ command: idle, flags });

/** What a shell inside cannot do, in its own words. */
const refusal = async (node: LabNode, name: string, script: string) =>
  (await volt(node, ['exec', name, '--', 'sh', '-c', script])).stderr;

describe('a named volume', () => {
  scenario(
    'is made by who names it, filled from the image with its owners, and outlives its containers',
    async (node) => {
      await run(node, 'vols-a', DECLARES, withFlags('-v', 'vols-db:/var/db'));
      expect(await inside(node, 'vols-a', 'ls -ln /var/db; ls -lnd /var/db')).toMatch(
        /1234 33 +5 .* seed\ndrwxr-s--- \d 1234 33 /,
      );
      await inside(node, 'vols-a', 'echo more > /var/db/more');
      // On the node, behind a folder that only root enters: owners are those inside.
      expect(await node.sh(`stat -c '%u:%g %a' ${VOLUMES}/vols-db ${VOLUMES}/vols-db/data/seed`)).toBe(
        '0:0 700\n1234:33 644\n',
      );
      await voltText(node, ['container', 'delete', 'vols-a', '--force']);
      expect(await detail(node, 'vols-db')).toMatchObject({
        usedBy: [],
        isAnonymous: false,
        path: `${VOLUMES}/vols-db/data`,
      });
      await run(node, 'vols-b', DECLARES, withFlags('-v', 'vols-db:/var/db'));
      expect(await inside(node, 'vols-b', 'cat /var/db/seed /var/db/more')).toBe('seed\nmore\n');
    },
  );

  scenario('is shared by two containers, each with users of its own, and one of them only reads', async (node) => {
    await run(node, 'vols-a', image, withFlags('-v', 'vols-shared:/a'));
    await run(node, 'vols-b', image, withFlags('--mount', 'source=vols-shared,target=/b,readonly'));
    await inside(node, 'vols-a', 'echo one > /a/file');
    expect(await inside(node, 'vols-b', 'cat /b/file; ls -ln /b')).toMatch(/^one\n[^]* 0 0 +4 .* file\n$/);
    expect(await refusal(node, 'vols-b', 'echo two > /b/file')).toContain('Read-only file system');
    const { userns: one } = (await inspect(node, 'vols-a')).config;
    const { userns: other, mounts } = (await inspect(node, 'vols-b')).config;
    expect(one.base).not.toBe(other.base);
    expect(mounts).toEqual([{ type: 'volume', source: 'vols-shared', target: '/b', readOnly: true }]);
    expect((await detail(node, 'vols-shared')).users).toEqual([
      { container: 'vols-a', target: '/a', readOnly: false },
      { container: 'vols-b', target: '/b', readOnly: true },
    ]);
  });

  scenario('that a container has is not deleted or pruned, also while that is stopped', async (node) => {
    await voltText(node, ['volume', 'create', 'vols-kept', '--label', 'app=shop']);
    await voltText(node, ['volume', 'create', 'vols-free']);
    await voltText(node, ['container', 'create', 'vols-a', image, '-v', 'vols-kept:/data']);
    const { code, stdout, stderr } = await volt(node, ['volume', 'delete', 'vols-kept']);
    expect({ code, stdout }).toEqual({ code: 9, stdout: '' });
    expect(stderr).toBe("error: Volume 'vols-kept' is in use by vols-a\nhint: volt container delete vols-a\n");
    expect((await volt(node, ['volume', 'delete', 'vols-kept', '--force'])).code).toBe(2);
    const told = await voltJson<VolumeSummary[]>(node, ['volume', 'prune', '--dry-run']);
    expect(told).toContainEqual({ name: 'vols-free', sizeBytes: expect.any(Number), createdAt: expect.any(String) });
    expect(told.map(({ name }) => name)).not.toContain('vols-kept');
    // There is nobody to ask.
    expect((await volt(node, ['volume', 'prune'])).code).toBe(2);
    expect(await names(node)).toEqual(expect.arrayContaining(['vols-free', 'vols-kept']));
    await voltText(node, ['container', 'delete', 'vols-a']);
    expect(await voltJson(node, ['volume', 'delete', 'vols-kept'])).toEqual({ name: 'vols-kept', deleted: true });
    expect((await volt(node, ['volume', 'inspect', 'vols-kept'])).code).toBe(3);
  });
});

describe('a volume that an image declares', () => {
  scenario('is the container’s own, has what the image has there, and goes with the container', async (node) => {
    const before = await names(node);
    await run(node, 'vols-a', DECLARES, withFlags('-v', 'vols-logs:/logs'));
    const own = (await volumes(node)).filter(({ isAnonymous, usedBy }) => isAnonymous && usedBy[0] === 'vols-a');
    // Where something else was asked for, there is none; through a link it is where that leads.
    expect(own).toHaveLength(1);
    expect(await inside(node, 'vols-a', 'cat /db/seed; readlink /db')).toBe('seed\nvar/db\n');
    await inside(node, 'vols-a', 'echo x > /db/mine');
    await voltText(node, ['container', 'stop', 'vols-a']);
    await voltText(node, ['container', 'start', 'vols-a']);
    expect(await inside(node, 'vols-a', 'cat /db/mine')).toBe('x\n');
    await voltText(node, ['container', 'delete', 'vols-a', '--force']);
    expect((await names(node)).toSorted()).toEqual([...before, 'vols-logs'].toSorted());
  });
});

describe('what may be written', () => {
  scenario('in a read-only container: its volumes and folders in memory, and nothing else', async (node) => {
    await node.sh(`mkdir -p ${FOLDER}/bind; echo node > ${FOLDER}/bind/file`);
    const flags = ['--read-only', '-v', 'vols-new:/new/place', '--tmpfs', '/memory:size=1M,mode=700'];
    const binds = ['-v', `${FOLDER}/bind:/bind`, '-v', `${FOLDER}/bind/file:/etc/file.conf:ro`];
    await run(node, 'vols-a', image, withFlags(...flags, ...binds));
    await inside(node, 'vols-a', 'echo x > /new/place/x; echo x > /memory/x; echo inside > /bind/file');
    expect(await node.sh(`cat ${FOLDER}/bind/file; stat -c %u:%g ${FOLDER}/bind/file`)).toBe('inside\n0:0\n');
    expect(await inside(node, 'vols-a', 'cat /etc/file.conf')).toBe('inside\n');
    for (const path of ['/x', '/new/x', '/etc/file.conf']) {
      expect(await refusal(node, 'vols-a', `echo x > ${path}`)).toContain('Read-only file system');
    }
    expect(await refusal(node, 'vols-a', 'printf %2000000s > /memory/big')).toContain('No space left');
    expect(await inside(node, 'vols-a', 'ls -ld /memory')).toMatch(/^drwx------ /);
    await voltText(node, ['container', 'stop', 'vols-a']);
    await voltText(node, ['container', 'start', 'vols-a']);
    expect(await inside(node, 'vols-a', 'ls /memory; cat /new/place/x')).toBe('x\n');
  });

  scenario('is narrowed by --fs-write, volumes too', async (node) => {
    await run(node, 'vols-a', image, withFlags('-v', 'vols-a:/a', '-v', 'vols-b:/b', '--fs-write', '/a'));
    await inside(node, 'vols-a', 'echo x > /a/x; cat /a/x');
    expect(await refusal(node, 'vols-a', 'echo x > /b/x')).toContain('Permission denied');
  });

  scenario('no mount is loosened from inside', async (node) => {
    await run(node, 'vols-a', image, withFlags('-v', 'vols-a:/a:ro'));
    await node.sh(`cp /usr/bin/mount /usr/bin/umount ${FOLDER}/`);
    await run(
      node,
      'vols-b',
      image,
      withFlags('-v', `${FOLDER}:/tools:ro`, '-v', 'vols-a:/a:ro', '--cap-add', 'sys_admin'),
    );
    expect(await refusal(node, 'vols-a', 'echo x > /a/x')).toContain('Read-only');
    expect((await volt(node, ['exec', 'vols-b', '--', '/tools/mount', '-o', 'remount,bind,rw', '/a'])).code).not.toBe(
      0,
    );
    expect(await refusal(node, 'vols-b', 'echo x > /a/x')).toContain('Read-only');
  });
});

describe('what is asked for and cannot be', () => {
  scenario('is refused in one line, and nothing is made for it', async (node) => {
    const before = await names(node);
    const refused: [string[], number][] = [
      [['-v', 'vols-x:relative'], 2],
      [['-v', './here:/x'], 2],
      [['-v', 'vols-x:/proc/sys'], 2],
      [['-v', 'vols-x:/a', '--tmpfs', '/a/'], 2],
      [['-v', 'vols-x:/a', '-v', '/not/there:/x'], 3],
      [['--mount', 'type=bind,source=/etc,target=/x,size=1M'], 2],
      // The node's own root is an overlay, of which no mapping can be made.
      [['-v', 'vols-x:/a', '-v', '/usr:/x'], 10],
    ];
    for (const [flags, code] of refused) {
      const answer = await volt(node, ['run', 'vols-a', image, ...flags]);
      expect({ flags, code: answer.code, stderr: answer.stderr }).toEqual({
        ...{ flags, code },
        stderr: expect.stringMatching(/^error: [^\n]+\n(hint: [^\n]+\n)?$/) as string,
      });
    }
    const { code, stderr } = await volt(node, ['volume', 'create', 'vols-x', '--size', '1G']);
    expect(code).toBe(10);
    expect(stderr).toContain('prjquota');
    expect(await names(node)).toEqual(before);
    expect((await volt(node, ['container', 'inspect', 'vols-a'])).code).toBe(3);
  });

  scenario('at a start leaves nothing but the reason', async (node) => {
    await node.sh(`mkdir -p ${FOLDER}/brief`);
    await voltText(node, ['container', 'create', 'vols-a', image, '-v', `${FOLDER}/brief:/x`, '-v', 'vols-a:/a']);
    const before = await holdings(node);
    await node.sh(`rmdir ${FOLDER}/brief`);
    const { code, stderr } = await volt(node, ['container', 'start', 'vols-a']);
    expect(code).toBe(10);
    expect(stderr).toContain(`${FOLDER}/brief`);
    const left = (text: string) => text.split('\n').filter((line) => !line.startsWith('volt-container@'));
    await eventually(async () => expect(left(await holdings(node))).toEqual(left(before)));
    await node.sh(`mkdir ${FOLDER}/brief`);
    await voltText(node, ['container', 'start', 'vols-a']);
  });
});

describe('copies', () => {
  scenario('by clone and by archive are the same files, owners included', async (node) => {
    await run(node, 'vols-a', DECLARES, withFlags('-v', 'vols-one:/var/db'));
    await inside(node, 'vols-a', 'cd /var/db; echo x > file; ln -s /etc/passwd link 2> /dev/null || :; echo y > other');
    await voltText(node, ['volume', 'clone', 'vols-one', 'vols-two']);
    await node.sh(`cd ${FOLDER}; volt volume export vols-one > out.tar; volt volume import vols-three < out.tar
      zstd -q -f out.tar; volt volume import vols-four out.tar.zst --label from=archive`);
    const files = (name: string) =>
      node.sh(
        `cd ${VOLUMES}/${name}/data; find . -printf '%p %y %m %U:%G %s %l\\n' | grep -v '^. d' | sort; cat file seed`,
      );
    const wanted = await files('vols-one');
    expect(wanted).toContain('./seed f 644 1234:33 5');
    for (const name of ['vols-two', 'vols-three', 'vols-four']) expect(await files(name)).toBe(wanted);
    expect(await detail(node, 'vols-four')).toMatchObject({ labels: { from: 'archive' } });
    expect((await volt(node, ['volume', 'clone', 'vols-one', 'vols-two'])).code).toBe(4);
  });

  scenario('of a volume whose container swaps folders for links have nothing of the node', async (node) => {
    await node.sh('mkdir -p /etc/vols-secret; echo of-the-node > /etc/vols-secret/file');
    const swap = `mkdir /a/d; echo inside > /a/d/file
      while :; do mv /a/d /a/e; ln -s /etc/vols-secret /a/d 2> /dev/null; rm /a/d; mv /a/e /a/d; done`;
    await node.sh(`mkdir -p ${FOLDER}/tools; cp /usr/bin/ln /usr/bin/mkdir ${FOLDER}/tools`);
    await run(node, 'vols-a', image, {
      command: ['sh', '-c', `PATH=$PATH:/tools; ${swap}`],
      flags: ['-v', 'vols-a:/a', '-v', `${FOLDER}/tools:/tools:ro`],
    });
    const seen = await node.sh(`for n in 1 2 3 4 5 6 7 8; do volt volume export vols-a | tar -xO; done
      for n in 1 2 3 4; do volt volume clone vols-a vols-copy > /dev/null
        find ${VOLUMES}/vols-copy/data -type f -exec cat {} +
        volt volume delete vols-copy > /dev/null; done`);
    expect(seen).toContain('inside');
    expect(seen).not.toContain('of-the-node');
    await node.sh('rm -r /etc/vols-secret');
  });

  const hostile = {
    'climbs out by its name': 'echo x > escape; mkdir -p in; cd in; tar -cPf ../bad.tar ../escape',
    'climbs out through a link': `mkdir -p a b/out; ln -s ${FOLDER} a/out; echo x > b/out/escape
      tar -cf bad.tar -C a out; tar -rf bad.tar -C b out/escape`,
    'has a device': 'mknod null c 1 3; tar -cf bad.tar null',
    'is cut short': `head -c 3000000 ${ARCHIVE} > bad.tar`,
    'is no archive': 'head -c 100000 /dev/urandom > bad.tar',
  };
  for (const [what, script] of Object.entries(hostile)) {
    scenario(`of an archive that ${what} are refused, and leave nothing`, async (node) => {
      await node.sh(`rm -rf ${FOLDER}/bad; mkdir -p ${FOLDER}/bad; cd ${FOLDER}/bad; ${script}`);
      const state = () => node.sh(`find ${FOLDER} | sort; ls -A ${VOLUMES}`);
      const before = await state();
      const { code, stderr } = await volt(node, ['volume', 'import', 'vols-bad', `${FOLDER}/bad/bad.tar`]);
      expect({ code, stderr }).toEqual({ code: 12, stderr: expect.stringMatching(/error: [^\n]+\n$/) as string });
      expect(await state()).toBe(before);
    });
  }
});

describe('a machine whose file system can hold volumes to a size', () => {
  let machine: Machine;
  const BOOT_MS = 10 * 60_000;

  beforeAll(async () => {
    machine = await openTestMachine('volumes');
    await machine.boot();
    // The kernel of this machine knows project quotas, its disk does not: a small one in a file does.
    const folder = await mkdtemp(join(tmpdir(), 'volt-quota-'));
    const disk = join(folder, 'quota.ext4');
    await mustRun(['mke2fs', '-q', '-t', 'ext4', '-O', 'quota,project', '-E', 'quotatype=prjquota', disk, '64M']);
    const packed = zstdCompressSync(await readFile(disk)).toString('base64');
    await rm(folder, { recursive: true });
    await machine.sh('base64 -d | zstd -q -d > /var/quota.ext4; modprobe quota_v2; mkdir -p /var/lib/volt/volumes', {
      input: packed,
    });
    await machine.sh('mount -o loop,prjquota /var/quota.ext4 /var/lib/volt/volumes');
    await machine.sh(MAKE_ARCHIVE, { timeoutMs: BOOT_MS });
    await machine.sh('volt daemon install');
    await eventually(async () => (await machine.exec(['volt', 'system', 'info'])).code === 0, { timeoutMs: 60_000 });
    await machine.sh(`volt image import app ${ARCHIVE} --cmd 'sleep infinity'`);
  }, BOOT_MS);
  afterAll(() => machine?.[Symbol.asyncDispose]());

  const fill = (container: string, path: string, megabytes: number) =>
    machine.exec(['volt', 'exec', container, '--', 'sh', '-c', `printf %${megabytes}000000s > ${path}`]);

  test('a program that is over the size is told so, and another volume is not', { timeout: BOOT_MS }, async () => {
    await machine.sh(
      'volt volume create small --size 4M; volt volume create large; volt volume create other --size 9M',
    );
    await machine.sh('volt run app app -v small:/small -v large:/large -v other:/other');
    expect(await fill('app', '/small/file', 8)).toMatchObject({ stderr: expect.stringContaining('quota exceeded') });
    expect(Number(await machine.sh('stat -c %s /var/lib/volt/volumes/small/data/file'))).toBeLessThanOrEqual(
      4 * 1024 ** 2,
    );
    for (const path of ['/large/file', '/other/file']) expect(await fill('app', path, 8)).toMatchObject({ code: 0 });
    const detail = JSON.parse(await machine.sh('volt volume inspect small -o json')) as VolumeDetail;
    expect(detail).toMatchObject({ size: '4M', usedBy: ['app'] });
    expect(detail.sizeBytes).toBeLessThanOrEqual(4 * 1024 ** 2 + 8192);
  });

  test('a clone has the size of its source, and an import cannot be larger', { timeout: BOOT_MS }, async () => {
    await machine.sh('volt volume clone small copy; volt run copied app -v copy:/copy');
    expect(await fill('copied', '/copy/more', 1)).toMatchObject({ stderr: expect.stringContaining('quota exceeded') });
    const { code } = await machine.exec([
      'sh',
      '-c',
      'volt volume export large | volt volume import narrow --size 2M; echo $?; volt volume inspect narrow',
    ]);
    expect(code).toBe(3);
  });
});

describe('after a crash', () => {
  const agentPid = async (node: LabNode) => Number(await node.sh('systemctl show -p MainPID --value volt.service'));

  async function crash(node: LabNode): Promise<void> {
    const pid = await agentPid(node);
    await node.sh(`kill -KILL ${pid}`);
    await eventually(async () => (await agentPid(node)) !== pid && (await volt(node, ['system', 'info'])).code === 0);
  }

  scenario('of the agent nothing is half made, and what is used is in use', async (node) => {
    await run(node, 'vols-a', DECLARES, withFlags('-v', 'vols-a:/a'));
    await inside(node, 'vols-a', 'echo x > /a/x; echo x > /db/x');
    const before = await volumes(node);
    const onDisk = await node.sh(`ls -A ${VOLUMES}`);
    // An archive that does not end: the import is in the middle of it when the agent is killed.
    const endless = `(cat ${ARCHIVE}; sleep 600) | volt volume import vols-half`;
    await node.exec(['systemd-run', '--quiet', '--unit=vols-half', 'sh', '-c', endless]);
    await eventually(() => node.sh(`ls -d ${VOLUMES}/.new-*/data/bin/sh`));
    await crash(node);
    expect(await volumes(node)).toEqual(before);
    expect(await node.sh(`ls -A ${VOLUMES}`)).toBe(onDisk);
    expect((await volt(node, ['volume', 'delete', 'vols-a'])).code).toBe(9);
    expect(await inside(node, 'vols-a', 'cat /a/x /db/x')).toBe('x\nx\n');
    await node.sh('systemctl stop vols-half || :');
  });

  scenario('of the agent at any moment of a create, its volumes are there with it or not at all', async (node) => {
    const onDisk = await node.sh(`ls -A ${VOLUMES}`);
    for (const delayMs of [5, 20, 40, 60, 90]) {
      const cut = volt(node, ['container', 'create', 'vols-cut', DECLARES]);
      await node.sh(`sleep ${delayMs / 1000}; kill -KILL ${await agentPid(node)}`);
      await cut;
      await eventually(async () => (await volt(node, ['system', 'info'])).code === 0);
      const own = (await volumes(node)).filter(({ isAnonymous }) => isAnonymous);
      for (const { usedBy } of own) expect(usedBy).not.toEqual([]);
      const isThere = (await volt(node, ['container', 'inspect', 'vols-cut'])).code === 0;
      if (isThere) {
        await voltText(node, ['container', 'start', 'vols-cut']);
        expect(await inside(node, 'vols-cut', 'cat /db/seed')).toBe('seed\n');
      }
      await voltText(node, ['container', 'delete', 'vols-cut', '--force']);
      expect(await node.sh(`ls -A ${VOLUMES}`)).toBe(onDisk);
    }
  });

  scenario('of the power, containers come back with their volumes and without the agent', async (node) => {
    await run(node, 'vols-a', image, withFlags('-v', 'vols-a:/a', '-v', `${FOLDER}:/b:ro`, '--read-only'));
    await inside(node, 'vols-a', 'echo kept > /a/x');
    await node.sh('sync');
    try {
      await node.sh('systemctl disable --quiet volt.socket volt.service; sync');
      await node.powerLoss();
      await node.boot();
      await eventually(() => node.sh('systemctl is-active volt-container@vols-a'));
      expect(await agentPid(node)).toBe(0);
    } finally {
      await node.sh('systemctl enable --now --quiet volt.socket volt.service');
    }
    expect(await inside(node, 'vols-a', 'cat /a/x; echo more >> /a/x; cat /a/x')).toBe('kept\nkept\nmore\n');
    expect(await refusal(node, 'vols-a', 'echo x > /b/x')).toContain('Read-only');
    expect(await names(node)).toContain('vols-a');
  });
});
