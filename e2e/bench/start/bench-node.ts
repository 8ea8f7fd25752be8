/** The node of this bench: a lab of its own, an agent, a meter, and an image of one static web server. */
import { readFile, realpath } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { installAgent, voltText } from '../../cluster/index.ts';
import { DEFAULT_BINARY, openLab, type LabNode } from '../../lab/index.ts';
import type { Report } from '../bench.ts';
import type { Answer, Order } from './orders.ts';

const LAB_NAME = 'volt-bench';
/** On the node's disk; its root is an overlay, on which no other overlay can keep its changes. */
export const FOLDER = '/var/lib/volt/bench';
export const ROOTFS = `${FOLDER}/rootfs`;
export const IMAGE = 'bench';
export const PORT = 8080;
export const SERVER: readonly string[] = ['/bin/httpd', '-f', '-p', String(PORT), '-h', '/www'];

export type Measure = (order: Order) => Promise<number>;

export interface BenchNode extends AsyncDisposable {
  readonly node: LabNode;
  readonly measure: Measure;
}

/** Disposing of it takes the lab down. */
export async function openBenchNode(report: Report): Promise<BenchNode> {
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
    mkdir -p ${ROOTFS}/{bin,dev,etc,proc,run,sys,tmp,usr,var,www}
    cp /usr/bin/busybox ${ROOTFS}/bin/
    for name in sh ip httpd; do ln -sf busybox ${ROOTFS}/bin/$name; done
    echo hello > ${ROOTFS}/www/index.html
    tar -C ${ROOTFS} -cf ${FOLDER}/rootfs.tar .`);
  await voltText(node, ['image', 'import', IMAGE, `${FOLDER}/rootfs.tar`, '--entrypoint', SERVER.join(' ')]);
}

/** From Debian, through the lab's gateway. */
export async function install(node: LabNode, ...packages: readonly string[]): Promise<void> {
  const wanted = packages.join(' ');
  await node.sh(
    `[ -n "$(ls /var/lib/apt/lists/*Packages* 2> /dev/null)" ] || apt-get update -q
    DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends ${wanted}`,
    { timeoutMs: 300_000 },
  );
}

export async function startMeter(node: LabNode): Promise<{ measure: Measure; stop: () => void }> {
  await node.copyIn(await realpath(process.execPath), `${FOLDER}/node`, 0o755);
  await node.writeFile(`${FOLDER}/meter.ts`, await readFile(join(import.meta.dirname, 'meter.ts')));
  const child = await node.spawn([`${FOLDER}/node`, `${FOLDER}/meter.ts`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (stdin === null || stdout === null) throw new VoltError('GENERAL', 'The meter has no pipes');
  const answers = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    stop: () => stdin.end(),
    measure: async (order) => {
      stdin.write(`${JSON.stringify(order)}\n`);
      const { value, done } = await answers.next();
      if (done === true) throw new VoltError('NETWORK', 'The meter on the node has ended');
      const answer = JSON.parse(value) as Answer;
      if ('error' in answer) throw new VoltError('DEPENDENCY', answer.error);
      return answer.ms;
    },
  };
}
