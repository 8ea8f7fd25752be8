import { voltJson, voltText } from '../../cluster/index.ts';
import type { Contender } from '../bench.ts';
import { IMAGE, PORT, type BenchNode, type Measure } from './bench-node.ts';

const VOLT = '/usr/local/bin/volt';

/** The address of a node's only container: an agent gives away the lowest that is free. */
export async function voltAddress({ node }: BenchNode): Promise<string> {
  const { address } = await voltJson<{ address: string }>(node, ['run', 'first', IMAGE]);
  await voltText(node, ['container', 'delete', 'first', '--force']);
  return address;
}

/** A person's command, from its start to a byte from the container. */
export function voltRun({ measure }: BenchNode, address: string): Contender {
  const name = namer('cli');
  return {
    name: 'volt run',
    role: 'ours',
    sample: () => {
      const container = name();
      const argv = [VOLT, 'run', container, IMAGE];
      return thenDelete(measure, container, measure({ act: { kind: 'command', argv }, server: serverAt(address) }));
    },
  };
}

/** The same without the command: what a program sees that talks to the agent itself. */
export function voltCall({ measure }: BenchNode, address: string): Contender {
  const name = namer('call');
  return {
    name: 'volt, by its socket',
    role: 'reference',
    sample: () => {
      const container = name();
      const params = { name: container, image: IMAGE };
      const order = {
        act: { kind: 'call', method: 'container.run', params },
        server: serverAt(address),
      } as const;
      return thenDelete(measure, container, measure(order));
    },
  };
}

/** What a command costs that asks nobody. */
export function voltVersion({ measure }: BenchNode): Contender {
  return {
    name: 'volt --version',
    role: 'reference',
    sample: () => measure({ act: { kind: 'command', argv: [VOLT, '--version'] } }),
  };
}

async function thenDelete(measure: Measure, container: string, sample: Promise<number>): Promise<number> {
  try {
    return await sample;
  } finally {
    await measure({ act: { kind: 'command', argv: [VOLT, 'container', 'delete', container, '--force'] } });
  }
}

function namer(prefix: string): () => string {
  let count = 0;
  return () => `${prefix}-${++count}`;
}

const serverAt = (address: string) => ({ address, port: PORT, asked: 'at once' }) as const;
