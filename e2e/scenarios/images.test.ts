/** Images of one node: made from archives, listed, used, deleted; and archives that mean harm. */
import { describe, expect } from 'vitest';
import type { ImageDetail, ImageSummary } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { ARCHIVE, type ContainerDetail, idle, inside, onOneNode } from './one-node.ts';

const FOLDER = '/var/lib/volt/scenarios/archives';

const { image, scenario } = onOneNode('images');

const names = async (node: LabNode) =>
  (await voltJson<ImageSummary[]>(node, ['image', 'list'])).map(({ name }) => name);

const detail = (node: LabNode, name: string) => voltJson<ImageDetail>(node, ['image', 'inspect', name]);

/** Every file of the store, and every folder that is not only there for its files. */
const store = (node: LabNode) =>
  node.sh(`cd /var/lib/volt && (find cas images -type f; find cas images -type d -not -path '*/objects/*') | sort`);

describe('an archive', () => {
  scenario('is the same image plain, packed with gzip, with zstd, and from standard input', async (node) => {
    await node.sh(`mkdir -p ${FOLDER}; cd ${FOLDER}
      gzip -1 < ${ARCHIVE} > rootfs.tar.gz; zstd -q -1 < ${ARCHIVE} > rootfs.tar.zst`);
    await voltText(node, ['image', 'import', 'images-gzip:1', `${FOLDER}/rootfs.tar.gz`]);
    await voltText(node, ['image', 'import', 'images-zstd:2.0', `${FOLDER}/rootfs.tar.zst`]);
    await node.sh(`volt image import images-piped < ${ARCHIVE}`);
    const { tree, files } = await detail(node, image);
    const made = ['images-gzip:1', 'images-zstd:2.0', 'images-piped:latest'];
    for (const name of made) expect(await detail(node, name)).toMatchObject({ name, tree, files });
    expect(await names(node)).toEqual(expect.arrayContaining([...made, `${image}:latest`]));
    for (const name of made) {
      expect(await voltJson(node, ['image', 'delete', name])).toEqual({ name, deleted: true });
    }
    const left = await names(node);
    for (const name of made) expect(left).not.toContain(name);
    expect(await names(node)).toContain(`${image}:latest`);
  });

  scenario('gets the settings it is given, and its containers follow them', async (node) => {
    const flags = ['--entrypoint', 'sh -c', '--cmd', '"echo from $HERE; exec sleep infinity"'];
    const more = ['-e', 'HERE=image', '--workdir', '/tmp', '--stop-signal', 'SIGKILL'];
    await voltText(node, ['image', 'import', 'images-set', ARCHIVE, ...flags, ...more]);
    expect((await detail(node, 'images-set')).config).toMatchObject({
      entrypoint: ['sh', '-c'],
      cmd: ['echo from $HERE; exec sleep infinity'],
      env: { HERE: 'image' },
      workdir: '/tmp',
      stopSignal: 'SIGKILL',
    });
    await voltText(node, ['run', 'images-set', 'images-set']);
    expect(await inside(node, 'images-set', 'echo $HERE $PWD')).toBe('image /tmp\n');
    await voltText(node, ['container', 'delete', 'images-set', '--force']);
    await voltText(node, ['image', 'delete', 'images-set']);
  });
});

scenario('an image that goes out comes back as it was, and runs as whom it says', async (node) => {
  await node.sh(`rm -rf ${FOLDER}; mkdir -p ${FOLDER}/root; cd ${FOLDER}; tar -xf ${ARCHIVE} -C root
    mkdir root/srv; echo 'web:x:1234:33::/srv:/bin/sh' > root/etc/passwd; echo 'www:x:4321:' > root/etc/group
    chown 1234:4321 root/srv`);
  const flags = ['--user', 'web:www', '--workdir', '/srv', '--cmd', idle.join(' '), '-e', 'WHO=web'];
  await voltText(node, ['image', 'import', 'images-out:1', `${FOLDER}/root`, ...flags]);
  await voltText(node, ['image', 'export', 'images-out:1', '-f', `${FOLDER}/out.tar`, '--compress', 'zstd']);
  await node.sh(`rm -r ${FOLDER}/root`);
  await voltText(node, ['image', 'import', 'images-back', `${FOLDER}/out.tar`]);
  const [out, back] = await Promise.all(['images-out:1', 'images-back'].map((name) => detail(node, name)));
  expect(back).toMatchObject({ tree: out?.tree, config: out?.config, origin: { format: 'oci' } });
  await voltText(node, ['run', 'images-back', 'images-back']);
  const { config } = await voltJson<ContainerDetail>(node, ['container', 'inspect', 'images-back']);
  expect(config).toMatchObject({ user: '1234:4321:', workdir: '/srv', command: idle, env: { WHO: 'web' } });
  await voltText(node, ['image', 'verify', 'images-back']);
  await voltText(node, ['container', 'delete', 'images-back', '--force']);
});

scenario('names come and go, and what nothing uses is pruned', async (node) => {
  await node.sh(
    `mkdir -p ${FOLDER}; cd ${FOLDER}; cp ${ARCHIVE} spare.tar; echo spare > spare; tar -rf spare.tar spare`,
  );
  await voltText(node, ['image', 'import', 'images-spare', `${FOLDER}/spare.tar`]);
  await voltText(node, ['image', 'tag', 'images-spare', 'images-spare:stable']);
  expect(await names(node)).toEqual(expect.arrayContaining(['images-spare:latest', 'images-spare:stable']));
  await voltText(node, ['container', 'create', 'images-kept', 'images-spare:stable', '--', ...idle]);
  await voltText(node, ['image', 'untag', 'images-spare:stable']);
  const idleNames = (await voltJson<ImageSummary[]>(node, ['image', 'prune', '--dry-run'])).map(({ name }) => name);
  expect(idleNames).not.toContain('images-spare:latest');
  await voltText(node, ['container', 'delete', 'images-kept', '--force']);
  expect((await voltJson<ImageSummary[]>(node, ['image', 'prune', '--dry-run'])).map(({ name }) => name)).toContain(
    'images-spare:latest',
  );
  expect((await volt(node, ['image', 'prune'])).code).toBe(2);
  await voltText(node, ['image', 'delete', 'images-spare']);
});

scenario('an image in use is not deleted, and says by whom', async (node) => {
  // Of a content that no other image has: what is in use is the content.
  const only = `${FOLDER}/only.tar`;
  await node.sh(`mkdir -p ${FOLDER}; cd ${FOLDER}; cp ${ARCHIVE} ${only}; echo only > only; tar -rf ${only} only`);
  await voltText(node, ['image', 'import', 'images-only', only]);
  await voltText(node, ['container', 'create', 'images-user', 'images-only', '--', ...idle]);
  const { code, stdout, stderr } = await volt(node, ['image', 'delete', 'images-only']);
  expect({ code, stdout }).toEqual({ code: 9, stdout: '' });
  expect(stderr).toMatch(/^error: .*images-user\nhint: /);
  expect((await detail(node, 'images-only')).usedBy).toEqual(['images-user']);
  await voltText(node, ['container', 'start', 'images-user']);
  expect(await inside(node, 'images-user', 'cat /only')).toBe('only\n');
  await voltText(node, ['container', 'delete', 'images-user', '--force']);
  expect(await voltJson(node, ['image', 'delete', 'images-only'])).toEqual({
    name: 'images-only:latest',
    deleted: true,
  });
  expect((await volt(node, ['image', 'inspect', 'images-only'])).code).toBe(3);
});

describe('an archive that means harm, or is none', () => {
  /** Each script leaves `bad.tar` in the current folder. */
  const bad = {
    'climbs out by its name': 'echo x > escape; mkdir in; cd in; tar -cPf ../bad.tar ../escape',
    'climbs out through a link': `mkdir -p a b/out; ln -s /var/lib/volt/scenarios/archives a/out; echo x > b/out/escape
      tar -cf bad.tar -C a out; tar -rf bad.tar -C b out/escape`,
    'links to a file outside': `mkdir a; echo x > a/x; ln a/x a/escape
      tar -cPf bad.tar --transform='flags=hRS;s|.*|/var/lib/volt/scenarios/rootfs.tar|' a/x a/escape`,
    'is cut short': `head -c 3000000 ${ARCHIVE} > bad.tar`,
    'is packed and cut short': `zstd -q -1 < ${ARCHIVE} > whole; head -c 1000000 whole > bad.tar`,
    'is no archive': 'head -c 100000 /dev/urandom > bad.tar',
    'is empty': ': > bad.tar',
  };
  for (const [what, script] of Object.entries(bad)) {
    scenario(`one that ${what} is refused, and leaves nothing`, async (node) => {
      await node.sh(`rm -rf ${FOLDER}; mkdir -p ${FOLDER}; cd ${FOLDER}; ${script}`);
      const [before, listed] = [await store(node), await names(node)];
      const outside = () => node.sh(`find ${FOLDER} /tmp /var/lib/volt/scenarios | sort`);
      const files = await outside();
      const { code, stdout, stderr } = await volt(node, ['image', 'import', 'images-bad', `${FOLDER}/bad.tar`]);
      expect({ code, stdout, stderr }).toEqual({
        code: 12,
        stdout: '',
        stderr: expect.stringMatching(/^error: [^\n]+\n(hint: [^\n]+\n)?$/) as string,
      });
      expect(await names(node)).toEqual(listed);
      expect(await store(node)).toBe(before);
      expect(await outside()).toBe(files);
    });
  }
});
