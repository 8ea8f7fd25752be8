/** The node of this bench: a lab of its own, an agent, a meter, and an image of one program that ends when told to. */
import { installAgent, voltText } from '../../cluster/index.ts';
import { DEFAULT_BINARY, type LabNode, openLab } from '../../lab/index.ts';
import type { Report } from '../bench.ts';
import { install, type Measure, startMeter } from '../start/index.ts';

const LAB_NAME = 'volt-bench';
/** On the node's disk, and where the image of podman is looked for. */
export const FOLDER = '/var/lib/volt/bench';
export const ROOTFS = `${FOLDER}/rootfs`;
export const IMAGE = 'bench';
/** Where Incus has it that the first program of a container is. */
export const PROGRAM = '/sbin/init';

/** Incus asks with PWR, the others with TERM. */
const SCRIPT = `#!/bin/sh
trap 'exit 0' PWR TERM
while :; do sleep 1000 & wait; done
`;

export interface ContainersNode extends AsyncDisposable {
  readonly node: LabNode;
  readonly measure: Measure;
}

/** Disposing of it takes the lab down. */
export async function openContainersNode(report: Report): Promise<ContainersNode> {
  const lab = await openLab({ name: LAB_NAME, nodes: 1, report });
  const stack = new AsyncDisposableStack();
  stack.defer(() => lab.down());
  try {
    await lab.up({ binary: DEFAULT_BINARY });
    const node = lab.node(1);
    await installAgent(node);
    await makeImage(node);
    const meter = await startMeter(node);
    stack.defer(meter.stop);
    return { node, measure: meter.measure, [Symbol.asyncDispose]: () => stack.disposeAsync() };
  } catch (error) {
    await stack.disposeAsync();
    throw error;
  }
}

async function makeImage(node: LabNode): Promise<void> {
  await install(node, 'busybox-static');
  await node.sh(`
    mkdir -p ${ROOTFS}/{bin,dev,etc,proc,root,run,sbin,sys,tmp,usr,var}
    cp /usr/bin/busybox ${ROOTFS}/bin/
    for name in sh sleep true; do ln -sf busybox ${ROOTFS}/bin/$name; done`);
  await node.writeFile(`${ROOTFS}${PROGRAM}`, SCRIPT);
  await node.sh(`chmod 755 ${ROOTFS}${PROGRAM}; tar -C ${ROOTFS} -cf ${FOLDER}/rootfs.tar .`);
  await voltText(node, ['image', 'import', IMAGE, `${FOLDER}/rootfs.tar`, '--entrypoint', PROGRAM]);
}
