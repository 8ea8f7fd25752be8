/** The store of a node through `volt cas`: filled, looked at, damaged, healed from another node, collected. */
import { beforeAll, describe, expect, test } from 'vitest';
import type { CasCollected, CasRef, CasRepaired, CasStatus, CasUsage, CasVerified, TreeRow } from '@volt/shared/model';
import { formCluster, volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { ARCHIVE, idle, inside, onOneNode, run } from './one-node.ts';

const FOLDER = '/var/lib/volt/scenarios/store';
const STATUS_MS_MAX = 1000;

const { image } = onOneNode('store');

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
});

const scenario = (name: string, body: (node: LabNode, peer: LabNode) => Promise<void>) =>
  test(
    `store: ${name}`,
    withEvidence(`store ${name}`, (lab) => body(lab.node(1), lab.node(2))),
  );

const ls = async (node: LabNode, object: string): Promise<TreeRow[]> =>
  (await voltText(node, ['cas', 'ls', object, '-r', '-o', 'ndjson']))
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as TreeRow);

const objectPath = (digest: string) => `/var/lib/volt/cas/objects/${digest.slice(0, 2)}/${digest}`;

const MAKE_SITE = `
rm -rf ${FOLDER}; mkdir -p ${FOLDER}/site/css
printf '<h1>one</h1>' > ${FOLDER}/site/index.html
head -c 3000000 /dev/urandom > ${FOLDER}/site/photo
ln -s index.html ${FOLDER}/site/start; chmod 4755 ${FOLDER}/site/photo`;

describe('a folder', () => {
  scenario('is stored by name, and looked at from all sides', async (node) => {
    await node.sh(MAKE_SITE);
    const built = await voltJson<{ name: string; digest: string }>(node, ['cas', 'build', `${FOLDER}/site`]);
    expect(built).toMatchObject({ name: 'site:latest', files: 2 });
    expect(await voltJson<CasRef[]>(node, ['cas', 'refs'])).toContainEqual({
      ...{ kind: 'manifests', name: 'site:latest', digest: built.digest, isHere: true },
    });
    const rows = await ls(node, 'site');
    expect(rows.map(({ path }) => path)).toEqual(['/css', '/index.html', '/photo', '/start']);
    expect(rows[2]).toMatchObject({ mode: '-rwsr-xr-x', sizeBytes: 3_000_000 });

    await node.sh(`volt cas get ${rows[2]!.digest} | cmp - ${FOLDER}/site/photo`);
    await node.sh(`printf two > ${FOLDER}/site/index.html; rm ${FOLDER}/site/start`);
    await voltText(node, ['cas', 'build', `${FOLDER}/site`, '--name', 'site:2']);
    const changes = (await voltText(node, ['cas', 'diff', 'site', 'site:2'])).split('\n');
    expect(changes).toEqual(expect.arrayContaining(['~ /index.html (content, time)', '- /start']));
    const [usage] = await voltJson<CasUsage[]>(node, ['cas', 'du', 'site:2']);
    expect(usage!.sharedBytes).toBe(3_000_000);
    expect(await voltText(node, ['cas', 'dedup'])).toContain('manifests/site:2');
  });
});

scenario('what has no name goes with a collection, and what is pinned does not', async (node) => {
  await node.sh(`${MAKE_SITE}; volt cas gc`);
  const put = (flags: string) => node.sh(`head -c 100000 /dev/urandom | volt cas put ${flags} -o json`);
  const [loose, pinned] = [await put(''), await put('--pin')].map((text) => JSON.parse(text) as { digest: string });
  const foretold = await voltJson<CasCollected>(node, ['cas', 'gc', '--dry-run']);
  expect(foretold).toMatchObject({ dryRun: true, objects: 1, sizeBytes: 100_000 });
  await node.sh(`test -e ${objectPath(loose!.digest)}`);
  expect(await voltJson<CasCollected>(node, ['cas', 'gc'])).toEqual({ ...foretold, dryRun: false });
  expect((await volt(node, ['cas', 'get', loose!.digest])).code).toBe(3);
  await voltText(node, ['cas', 'unpin', pinned!.digest]);
  expect(await voltJson<CasCollected>(node, ['cas', 'gc'])).toMatchObject({ objects: 1 });
});

scenario('one flipped bit is found with the file it hurts, and healed from another node', async (node, peer) => {
  await peer.sh(`${MAKE_SITE}; tar -C ${FOLDER}/site -cf ${FOLDER}/site.tar .`);
  await voltText(peer, ['image', 'import', 'store-site', `${FOLDER}/site.tar`]);
  await voltText(node, ['image', 'pull', 'store-site']);
  const photo = (await ls(node, 'store-site')).find(({ path }) => path === '/photo')!.digest!;
  expect(await voltJson<CasVerified>(node, ['cas', 'verify'])).toMatchObject({ damaged: 0, missing: 0 });

  await node.sh(`printf x | dd of=${objectPath(photo)} bs=1 seek=1500000 conv=notrunc status=none`);
  const found = await volt(node, ['cas', 'verify', '-o', 'json']);
  expect(found.code).toBe(10);
  expect((JSON.parse(found.stdout) as CasVerified).damage).toEqual([
    { digest: photo, state: 'damaged', hurts: [{ ref: 'images/store-site:latest', path: '/photo' }] },
  ]);
  expect(await voltJson<CasStatus>(node, ['cas', 'status'])).toMatchObject({ damaged: 1 });

  expect(await voltJson<CasRepaired>(node, ['cas', 'repair'])).toMatchObject({ healed: 1, unhealed: 0 });
  await voltText(node, ['cas', 'verify']);
  await node.sh(`rm ${objectPath(photo)}`);
  expect(await voltJson<CasRepaired>(node, ['cas', 'repair'])).toMatchObject({ healed: 1 });
  expect(await voltJson<CasStatus>(node, ['cas', 'status'])).toMatchObject({ damaged: 0 });
  for (const one of [node, peer]) await voltText(one, ['image', 'delete', 'store-site']);
});

scenario('what no node has stays damaged, says whom it hurts, and keeps garbage from being told', async (node) => {
  await node.sh(MAKE_SITE);
  const { digest } = await voltJson<{ digest: string }>(node, ['cas', 'build', `${FOLDER}/site`, '--name', 'lost']);
  await node.sh(`printf x | dd of=${objectPath(digest)} bs=1 seek=30 conv=notrunc status=none`);
  const repaired = await volt(node, ['cas', 'repair']);
  expect(repaired).toMatchObject({ code: 10, stdout: expect.stringContaining('manifests/lost:latest') as string });
  const refused = await volt(node, ['cas', 'gc']);
  expect(refused).toMatchObject({ code: 10, stderr: expect.stringContaining('volt cas repair') as string });
  // Storing the folder again heals it: nothing is remembered of what is not there.
  await node.sh(`rm ${objectPath(digest)}`);
  await voltText(node, ['cas', 'build', `${FOLDER}/site`, '--name', 'lost']);
  await voltText(node, ['cas', 'verify']);
  await voltText(node, ['cas', 'gc']);
});

scenario('a container keeps what it runs from, though its image means something else by now', async (node) => {
  const archive = `${FOLDER}/other.tar`;
  await run(node, 'store-user', image, idle);
  await node.sh(`mkdir -p ${FOLDER}; cd ${FOLDER}; cp ${ARCHIVE} ${archive}; echo x > more; tar -rf ${archive} more`);
  await voltText(node, ['image', 'import', image, archive, '--cmd', idle.join(' ')]);
  await voltText(node, ['cas', 'gc']);
  expect(await inside(node, 'store-user', 'echo still here')).toBe('still here\n');
  await voltText(node, ['container', 'stop', 'store-user']);
  await voltText(node, ['cas', 'gc']);
  await voltText(node, ['container', 'start', 'store-user']);
  expect(await inside(node, 'store-user', 'echo here again')).toBe('here again\n');
  await voltText(node, ['cas', 'verify']);
});

scenario('its status is there within a second', async (node) => {
  const started = performance.now();
  const status = await voltJson<CasStatus>(node, ['cas', 'status']);
  expect(performance.now() - started).toBeLessThan(STATUS_MS_MAX);
  expect(status).toMatchObject({ isExact: true, damaged: 0 });
  expect(['redirect', 'hardlink', 'copy']).toContain(status.lowerWay);
});
