/** Images laid out in each of the three ways, and containers that outlive a change from one to another. */
import { afterAll, expect } from 'vitest';
import type { ImageDetail } from '@volt/shared/model';
import { installAgent, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { openTestLab } from '../lab/testing.ts';
import { ARCHIVE, idle, inside, onOneNode, run, whileDown } from './one-node.ts';

const CONFIG = '/etc/volt/config.yaml';

const { scenario } = onOneNode('lowers');

afterAll(async () => {
  const node = (await openTestLab()).node(1);
  await node.sh(`[ ! -e ${CONFIG}.kept ] || mv ${CONFIG}.kept ${CONFIG}; systemctl restart volt.service`);
  await installAgent(node);
});

/** From here on images of this node are laid out in this way. */
async function setWay(node: LabNode, way: string): Promise<void> {
  await node.sh(`mkdir -p /etc/volt; cd /etc/volt
    [ -e ${CONFIG} ] || : > ${CONFIG}; [ -e ${CONFIG}.kept ] || cp ${CONFIG} ${CONFIG}.kept
    { cat ${CONFIG}.kept; echo; echo 'store.lowers: ${way}'; } > ${CONFIG}
    systemctl restart volt.service`);
  await installAgent(node);
}

/** An image with a content of its own, so that it is not laid out yet. */
async function importOwn(node: LabNode, name: string): Promise<void> {
  const archive = `/var/lib/volt/scenarios/${name}.tar`;
  await node.sh(`cd "$(mktemp -d)"; cp ${ARCHIVE} ${archive}; mkdir data
    echo ${name} > data/mark; chmod 604 data/mark; echo ${name} > data/more; tar -rf ${archive} data; rm -r "$PWD"`);
  await voltText(node, ['image', 'import', name, archive, '--cmd', idle.join(' ')]);
}

async function wayOf(node: LabNode, image: string): Promise<string> {
  const { tree } = await voltJson<ImageDetail>(node, ['image', 'inspect', image]);
  return (await node.sh(`cut -d ' ' -f 1 < /var/lib/volt/images/${tree}/way`)).trim();
}

for (const way of ['redirect', 'hardlink', 'copy']) {
  scenario(`a container on an image laid out as ${way} reads, writes, and starts without the agent`, async (node) => {
    const name = `lowers-${way}`;
    await setWay(node, way);
    await importOwn(node, name);
    await run(node, name, name, idle);
    expect(await wayOf(node, name)).toBe(way);
    expect(await inside(node, name, 'cat /data/mark; mv /data/mark /data/moved; echo x >> /data/more')).toBe(
      `${name}\n`,
    );
    await whileDown(node, async () => {
      await node.sh(`systemctl restart volt-container@${name}`);
    });
    await installAgent(node);
    expect(await inside(node, name, 'cat /data/moved /data/more; echo /data/*')).toBe(
      `${name}\n${name}\nx\n/data/more /data/moved\n`,
    );
    await voltText(node, ['container', 'delete', name, '--force']);
    await voltText(node, ['image', 'delete', name]);
  });
}

scenario('an image that is laid out stays as it is when another way is set', async (node) => {
  const name = 'lowers-kept';
  await setWay(node, 'redirect');
  await importOwn(node, name);
  await run(node, name, name, idle);
  await setWay(node, 'hardlink');
  expect(await wayOf(node, name)).toBe('redirect');
  await voltText(node, ['container', 'restart', name]);
  expect(await inside(node, name, 'cat /data/mark')).toBe(`${name}\n`);
  await voltText(node, ['container', 'delete', name, '--force']);
  await voltText(node, ['image', 'delete', name]);
});
