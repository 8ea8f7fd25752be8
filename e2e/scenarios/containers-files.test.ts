/** Files of containers: in and out, what was changed, images and copies made of them. And ways out that are none. */
import { describe, expect } from 'vitest';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually } from '../lab/testing.ts';
import { ARCHIVE, holdings, idle, inside, inspect, onOneNode, run } from './one-node.ts';

const { image, scenario } = onOneNode('files');

/** Of the node: what containers must neither read nor change. */
const HOST = '/var/lib/volt/scenarios/files-host';
const SECRET = 'a secret of the node';
const HERE = '/var/lib/volt/scenarios/files';

/** A container with links that would lead to the node's files, if it were the node that followed them. */
async function withLinks(node: LabNode, name: string): Promise<void> {
  await says(
    node,
    `rm -rf ${HOST} ${HERE}; mkdir -p ${HOST} ${HERE}/links; echo '${SECRET}' > ${HOST}/secret
cd ${HERE}; echo marker > marker
ln -s ${HOST} links/absolute
ln -s ${'../'.repeat(12)}${HOST.slice(1)} links/dots
ln -s /proc/1/root${HOST} links/init
ln -s /proc/self/root${HOST} links/self
ln -s ${HOST}/secret links/file
ln -s file links/chain
ln -s loop links/loop
mkfifo links/fifo
echo plain > links/plain`,
  );
  await run(node, name, image, idle);
  await voltText(node, ['cp', `${HERE}/links`, `${name}:/links`]);
}

/** What a script on the node prints, without the end of its last line. */
const says = async (node: LabNode, script: string): Promise<string> => (await node.sh(script)).trimEnd();

const cp = (node: LabNode, ...words: string[]) => volt(node, ['cp', ...words], { timeoutMs: 20_000 });

describe('copies', () => {
  scenario('go in and out of a container that runs, is paused or is down', async (node) => {
    await says(
      node,
      `rm -rf ${HERE}; mkdir -p ${HERE}/site/sub; cd ${HERE}; echo one > site/a; ln site/a site/sub/b
ln -s a site/l; chmod 640 site/a; chmod 700 site/sub; chown 1234:5 site/sub`,
    );
    const check = async (path: string, folder: string) => {
      await voltText(node, ['cp', `files-a:${path}`, `${HERE}/${folder}`]);
      expect(
        await says(node, `cd ${HERE}/${folder}; find . | sort; cat sub/b; readlink l; stat -c '%a %u %h' a sub`),
      ).toBe(['.', './a', './l', './sub', './sub/b', 'one', 'a', '640 0 2', '700 0 2'].join('\n'));
    };
    await run(node, 'files-a', image, idle);
    await voltText(node, ['cp', `${HERE}/site`, 'files-a:/running']);
    await check('/running', 'out-running');
    await voltText(node, ['container', 'pause', 'files-a']);
    await voltText(node, ['cp', `${HERE}/site/.`, 'files-a:/paused']);
    await check('/paused', 'out-paused');
    await voltText(node, ['container', 'stop', 'files-a']);
    await voltText(node, ['cp', '-a', `${HERE}/site`, 'files-a:/stopped']);
    await check('/stopped', 'out-stopped');
    await voltText(node, ['container', 'start', 'files-a']);
    expect(
      await inside(node, 'files-a', 'for d in stopped running; do set -- $(ls -ldn /$d/sub); echo $1 $3 $4; done'),
    ).toBe('drwx------ 1234 5\ndrwx------ 0 0\n');
    // What the container's root may do to its own files it still may after the agent was started anew.
    await says(node, 'systemctl restart volt.service');
    await inside(node, 'files-a', ': > /written && rm /written');
  });

  scenario('between containers, and as archives', async (node) => {
    await withLinks(node, 'files-a');
    await run(node, 'files-b', image, idle);
    await voltText(node, ['cp', 'files-a:/links/plain', 'files-b:/there']);
    expect(await inside(node, 'files-b', 'cat /there')).toBe('plain\n');
    expect(await says(node, 'volt cp files-a:/links - | tar -t | sort | head -3')).toBe(
      'links/\nlinks/absolute\nlinks/chain',
    );
    await says(node, `tar -cz -C ${HERE} marker | volt cp - files-b:/etc`);
    expect(await inside(node, 'files-b', 'cat /etc/marker')).toBe('marker\n');
  });

  scenario('many and large files pass through little memory', async (node) => {
    await run(node, 'files-a', image, idle);
    await says(node, `rm -rf ${HERE}; mkdir -p ${HERE}; head -c 300M /dev/urandom > ${HERE}/large`);
    const peak = async () =>
      Number(await says(node, "awk '/VmHWM/ { print $2 }' /proc/$(cat /run/volt/volt.pid)/status"));
    const before = await peak();
    await voltText(node, ['cp', `${HERE}/large`, 'files-a:/large']);
    await voltText(node, ['cp', 'files-a:/large', `${HERE}/again`]);
    await says(node, `cmp ${HERE}/large ${HERE}/again; rm -rf ${HERE}`);
    expect((await peak()) - before).toBeLessThan(100 * 1024);
  });

  scenario('what fails leaves nothing half made', async (node) => {
    await run(node, 'files-a', image, idle);
    await says(
      node,
      `rm -rf ${HERE}; mkdir -p ${HERE}; head -c 20M /dev/zero > ${HERE}/file; tar -C ${HERE} -cf ${HERE}/tar file`,
    );
    const { code } = await node.exec(['sh', '-c', `head -c 10M ${HERE}/tar | volt cp - files-a:/etc`]);
    expect(code).toBe(12);
    expect(await inside(node, 'files-a', 'ls -A /etc')).not.toMatch(/file|volt-copy/);
  });
});

/** The path inside, and the node's own that a careless program would have read there. */
const reads: readonly (readonly [string, string | undefined])[] = [
  ['/links/absolute/secret', '/links/absolute/secret'],
  ['/links/dots/secret', '/links/dots/secret'],
  ['/links/file', '/links/file'],
  ['/links/chain', '/links/chain'],
  ['/links/init/secret', '/links/init/secret'],
  ['/links/self/secret', '/links/self/secret'],
  [`/${'../'.repeat(12)}${HOST.slice(1)}/secret`, `/${'../'.repeat(12)}${HOST.slice(1)}/secret`],
  [`/links/plain/../../../../../../../..${HOST}/secret`, undefined],
  [`/proc/1/root${HOST}/secret`, undefined],
  [`/proc/self/cwd${HOST}/secret`, undefined],
  ['/links/loop', undefined],
  ['/links/fifo', undefined],
];

describe('ways out', () => {
  scenario('no path of a container reads a file of the node', async (node) => {
    await withLinks(node, 'files-a');
    for (const isRunning of [true, false]) {
      if (!isRunning) await voltText(node, ['container', 'stop', 'files-a']);
      for (const [path, naive] of reads) {
        // The attempt is a real one: whoever reads the same path from outside gets the secret.
        if (naive !== undefined && isRunning) {
          expect(await says(node, `cat /var/lib/volt/containers/files-a/rootfs${naive}`), naive).toContain(SECRET);
        }
        await says(node, `rm -rf ${HERE}/out; mkdir ${HERE}/out`);
        await cp(node, '-L', `files-a:${path}`, `${HERE}/out/`);
        await cp(node, `files-a:${path}`, `${HERE}/out/`);
        const found = await says(node, `find ${HERE}/out -type f -exec grep -l '${SECRET}' {} + || :`);
        expect(found, `${path}, ${isRunning ? 'running' : 'stopped'}`).toBe('');
      }
    }
  });

  scenario('no path of a container writes a file of the node', async (node) => {
    await withLinks(node, 'files-a');
    const state = () =>
      says(node, `ls -lAR --time-style=full-iso ${HOST}; cat ${HOST}/secret; cat /proc/sys/kernel/core_pattern`);
    const before = await state();
    const targets = [
      '/links/absolute',
      '/links/absolute/',
      '/links/absolute/new',
      '/links/dots/new',
      '/links/file',
      '/links/chain',
      '/links/init/new',
      '/links/self/new',
      `/../../../..${HOST}/new`,
      `/proc/1/root${HOST}/new`,
      `/proc/self/root${HOST}/new`,
      '/proc/sys/kernel/core_pattern',
      '/sys/kernel/uevent_helper',
      '/dev/null',
    ];
    for (const isRunning of [true, false]) {
      if (!isRunning) await voltText(node, ['container', 'stop', 'files-a']);
      for (const target of targets) {
        await cp(node, `${HERE}/marker`, `files-a:${target}`);
        expect(await state(), `${target}, ${isRunning ? 'running' : 'stopped'}`).toBe(before);
      }
    }
    // Whoever writes to the same place from outside does change it.
    await voltText(node, ['container', 'start', 'files-a']);
    await says(node, `cp ${HERE}/marker /var/lib/volt/containers/files-a/rootfs/links/dots/new`);
    expect(await state()).not.toBe(before);
  });

  scenario('hostile archives are refused, and what is in them is nowhere', async (node) => {
    await withLinks(node, 'files-a');
    await says(
      node,
      `cd ${HERE}; mkdir -p t/l; cd t; echo x > x; ln x y; mknod disk b 8 0; mknod gone c 0 0
tar -cPf ../dots.tar --transform 's,^,../../../..${HOST}/,' x
tar -cPf ../absolute.tar --transform 's,^,${HOST}/,' x
tar -cf ../disk.tar disk; tar -cf ../gone.tar gone
tar -cPf ../hardlink.tar --transform 'flags=h;s,.*,../../../..${HOST}/secret,' x y
rmdir l; ln -s ${HOST} l; tar -cf ../link.tar l; rm l; mkdir l; echo x > l/new; tar -rf ../link.tar l/new
head -c 1000 ../link.tar > ../cut.tar; head -c 2000 /dev/urandom > ../noise.tar`,
    );
    const state = () => says(node, `ls -lAR --time-style=full-iso ${HOST}; cat ${HOST}/secret`);
    const hostile = ['dots', 'absolute', 'disk', 'gone', 'hardlink', 'link', 'cut', 'noise'];
    for (const isRunning of [true, false]) {
      if (!isRunning) await voltText(node, ['container', 'stop', 'files-a']);
      for (const one of hostile) {
        const before = await state();
        const { code } = await node.exec(['sh', '-c', `volt cp - files-a:/etc < ${HERE}/${one}.tar`]);
        expect([9, 12], one).toContain(code);
        expect(await state(), one).toBe(before);
      }
    }
    await voltText(node, ['container', 'start', 'files-a']);
    expect(await inside(node, 'files-a', 'ls -A /etc')).not.toMatch(/disk|gone|new/);
  });

  scenario('a link that is swapped in while files are copied leads nowhere else', async (node) => {
    await withLinks(node, 'files-a');
    await inside(node, 'files-a', 'mv /links/absolute /swap');
    await voltText(node, ['cp', `${HERE}/links`, 'files-a:/folder']);
    await inside(
      node,
      'files-a',
      `(while [ ! -e /stop ]; do mv -T /folder /kept; mv -T /swap /folder; mv -T /folder /swap; mv -T /kept /folder
      done > /dev/null 2>&1 & : )`,
    );
    let copies = 0;
    for (let round = 0; round < 12; round++) {
      await says(node, `rm -rf ${HERE}/out; mkdir ${HERE}/out`);
      await cp(node, `${HERE}/marker`, 'files-a:/folder/new');
      await cp(node, `${HERE}/links/.`, 'files-a:/folder');
      const { code } = await cp(node, 'files-a:/folder', `${HERE}/out/`);
      await cp(node, 'files-a:/folder/secret', `${HERE}/out/secret`);
      if (code === 0) copies++;
      expect(
        await says(
          node,
          `ls -A ${HOST}; cat ${HOST}/secret; find ${HERE}/out -type f -exec grep -l '${SECRET}' {} + || :`,
        ),
      ).toBe(`secret\n${SECRET}`);
    }
    expect(copies).toBeGreaterThan(0);
    await inside(node, 'files-a', ': > /stop');
  });

  scenario('what comes out has neither devices nor bits that give another user', async (node) => {
    await run(node, 'files-a', image, idle);
    await says(node, `rm -rf ${HERE}; mkdir -p ${HERE}; cd ${HERE}; cp /usr/bin/id tool; chmod 6755 tool`);
    await voltText(node, ['cp', '-a', `${HERE}/tool`, 'files-a:/tool']);
    expect(await inside(node, 'files-a', 'set -- $(ls -l /tool); echo $1')).toBe('-rwsr-sr-x\n');
    await voltText(node, ['cp', 'files-a:/tool', `${HERE}/out`]);
    expect(await says(node, `stat -c %a ${HERE}/out`)).toBe('755');
    await voltText(node, ['cp', 'files-a:/dev', `${HERE}/dev`]);
    expect(await says(node, `find ${HERE}/dev -type b -o -type c`)).toBe('');
  });

  scenario('a copy may do no more than the container’s programs', async (node) => {
    const narrow = [
      '--fs-read',
      '/bin',
      '--fs-read',
      '/lib',
      '--fs-read',
      '/lib64',
      '--fs-read',
      '/usr',
      '--fs-write',
      '/root',
    ];
    await says(node, `rm -rf ${HERE}; mkdir -p ${HERE}; echo marker > ${HERE}/marker`);
    const flags = [...narrow, '--fs-execute', '/'];
    await run(node, 'files-a', image, { command: idle, flags });
    for (const isRunning of [true, false]) {
      if (!isRunning) await voltText(node, ['container', 'stop', 'files-a']);
      expect(await cp(node, 'files-a:/etc', `${HERE}/etc`)).toMatchObject({ code: 5 });
      expect(await cp(node, `${HERE}/marker`, 'files-a:/etc/marker')).toMatchObject({ code: 5 });
      expect(await cp(node, `${HERE}/marker`, 'files-a:/root/marker')).toMatchObject({ code: 0 });
    }
  });
});

describe('what a container is made of', () => {
  interface Change {
    readonly change: string;
    readonly path: string;
  }

  scenario('diff tells what was added, changed and deleted', async (node) => {
    await run(node, 'files-a', image, idle);
    await inside(node, 'files-a', 'echo x > /etc/new; rm /bin/wc; mv /bin/env /root/env; echo y >> /bin/tty');
    const changes = await voltJson<Change[]>(node, ['container', 'diff', 'files-a']);
    const own = changes
      .filter(({ path }) => /new|wc|env|tty/.test(path))
      .map(({ change, path }) => `${change} ${path}`);
    expect(own).toEqual(['D /bin/env', 'C /bin/tty', 'D /bin/wc', 'A /etc/new', 'A /root/env']);
    expect(await voltText(node, ['container', 'diff', 'files-a'])).toContain('A /etc/new\n');
    await voltText(node, ['container', 'stop', 'files-a']);
    expect(await voltText(node, ['container', 'diff', 'files-a'])).toContain('D /bin/wc\n');
  });

  scenario('export has all files, with owners as they are inside', async (node) => {
    await run(node, 'files-a', image, idle);
    await inside(node, 'files-a', 'echo x > /etc/new; echo y > /tmp/none');
    const list = () => says(node, 'volt container export files-a | tar -tv --numeric-owner');
    const running = await list();
    expect(running).toMatch(/^-rw-r--r-- 0\/0 +2 .* etc\/new$/m);
    expect(running).not.toContain('tmp/none');
    await voltText(node, ['container', 'stop', 'files-a']);
    expect((await list()).split('\n').toSorted()).toEqual(running.split('\n').toSorted());
  });

  scenario('commit makes an image that runs, of one that runs and of one that is down', async (node) => {
    await run(node, 'files-a', image, idle);
    await inside(node, 'files-a', 'echo kept > /etc/kept');
    const words = ['files-new:1', '-m', 'with more', '-c', 'ENV COLOR=a,b', '-c', 'CMD ["sleep", "infinity"]'];
    try {
      await voltText(node, ['container', 'commit', 'files-a', ...words]);
      expect((await inspect(node, 'files-a')).status.state).toBe('running');
      await voltText(node, ['run', 'files-b', 'files-new:1']);
      expect(await inside(node, 'files-b', 'cat /etc/kept; echo $COLOR')).toBe('kept\na,b\n');
      await voltText(node, ['container', 'stop', 'files-b']);
      await voltText(node, ['container', 'commit', 'files-b', 'files-new:2']);
      const steps = await voltJson<{ comment?: string }[]>(node, ['image', 'history', 'files-new:2']);
      expect(steps.map(({ comment }) => comment)).toEqual([undefined, 'with more']);
    } finally {
      await voltText(node, ['container', 'delete', 'files-b', '--force']);
      await volt(node, ['image', 'delete', 'files-new:1']);
      await volt(node, ['image', 'delete', 'files-new:2']);
    }
  });

  scenario('commit makes of what was changed what an import makes of all files', async (node) => {
    await run(node, 'files-a', image, idle);
    const script = `set -e; echo new > /etc/new; rm /bin/wc; mv /bin/env /root/env; : > /bin/tty
mv /usr/share /root/share; rm -r /usr/lib; echo file > /usr/lib; rm -r /opt; mv /var/old /opt; echo x > /opt/x`;
    // Folders that are renamed, replaced and hidden, and files of two names.
    await says(
      node,
      `rm -rf ${HERE}; mkdir -p ${HERE}/root/usr/{lib/a,share/b/c} ${HERE}/root/{opt/d,var/old/e}
cd ${HERE}/root; for f in usr/lib/a/1 usr/share/b/2 usr/share/b/c/3 opt/d/4 opt/x var/old/e/5; do echo $f > $f; done
ln usr/share/b/2 usr/share/b/again; ln usr/lib/a/1 var/old/1; setfattr -n user.a -v b var/old/e/5 || :
tar -xf ${ARCHIVE}; tar --xattrs -c . | volt image import files-base - --cmd 'sleep infinity'; rm -r ${HERE}`,
    );
    try {
      await voltText(node, ['run', 'files-b', 'files-base']);
      await inside(node, 'files-b', script);
      await voltText(node, ['container', 'commit', 'files-b', 'files-new:commit']);
      await says(node, 'volt container export files-b | volt image import files-new:export -');
      const tree = async (tag: string) =>
        (await voltJson<{ tree: string }>(node, ['image', 'inspect', `files-new:${tag}`])).tree;
      expect(await tree('commit')).toBe(await tree('export'));
    } finally {
      await volt(node, ['container', 'delete', 'files-b', '--force']);
      for (const name of ['files-new:commit', 'files-new:export', 'files-base'])
        await volt(node, ['image', 'delete', name]);
    }
  });

  scenario('a container goes on when the agent is killed while it becomes an image', async (node) => {
    await run(node, 'files-a', image, idle);
    await says(node, `rm -rf ${HERE}; mkdir -p ${HERE}; head -c 400M /dev/zero > ${HERE}/large`);
    await voltText(node, ['cp', `${HERE}/large`, 'files-a:/large']);
    await says(node, `rm -rf ${HERE}`);
    const frozen = async () =>
      (await says(node, 'systemctl show -P FreezerState volt-container@files-a.service')) === 'frozen';
    const commit = volt(node, ['container', 'commit', 'files-a', 'files-none']);
    await eventually(frozen);
    await says(node, 'kill -9 $(cat /run/volt/volt.pid)');
    expect((await commit).code).not.toBe(0);
    await eventually(async () => (await volt(node, ['exec', 'files-a', '--', 'sh', '-c', ':'])).code === 0);
    expect(await frozen()).toBe(false);
    expect((await volt(node, ['image', 'inspect', 'files-none'])).code).toBe(3);
    expect(await says(node, 'ls /var/lib/volt/containers/files-a')).not.toContain('held-still');
  });

  scenario('a clone has the files, and an address, users and a name of its own', async (node) => {
    const before = await holdings(node);
    await run(node, 'files-a', image, { command: idle, flags: ['-e', 'COLOR=blue', '--memory', '128M'] });
    await inside(node, 'files-a', 'echo one > /etc/own; rm /bin/wc; : > /root/of-group');
    await voltText(node, ['container', 'clone', 'files-a', 'files-b', '--start']);
    const [a, b] = [await inspect(node, 'files-a'), await inspect(node, 'files-b')];
    expect([a.status.state, b.status.state]).toEqual(['running', 'running']);
    expect(b.config.network.address).not.toBe(a.config.network.address);
    expect(b.config.userns.base).not.toBe(a.config.userns.base);
    expect(
      await inside(node, 'files-b', 'echo $HOSTNAME $COLOR; cat /etc/own; set -- $(ls -ln /etc/own); echo $3 $4'),
    ).toBe('files-b blue\none\n0 0\n');
    await inside(node, 'files-b', 'echo two > /etc/own');
    expect(await inside(node, 'files-a', 'cat /etc/own')).toBe('one\n');
    const changes = await voltText(node, ['container', 'diff', 'files-b']);
    expect(changes).toContain('D /bin/wc\n');
    expect(await volt(node, ['container', 'clone', 'files-a', 'files-b'])).toMatchObject({ code: 4 });
    for (const name of ['files-a', 'files-b']) await voltText(node, ['container', 'delete', name, '--force']);
    await eventually(async () => (await holdings(node)) === before);
  });
});
