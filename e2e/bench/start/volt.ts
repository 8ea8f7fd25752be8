import type { Contender } from '../bench.ts';
import { IMAGE, PORT, type BenchNode, type Measure } from './bench-node.ts';

const VOLT = '/usr/local/bin/volt';

/** A person's command, from its start to a byte from the container. */
export function voltRun({ measure }: BenchNode): Contender {
  const name = namer('cli');
  return {
    name: 'volt run',
    role: 'ours',
    sample: () => {
      const container = name();
      const argv = [VOLT, 'run', container, IMAGE];
      return thenDelete(measure, container, measure({ act: { kind: 'command', argv }, server: { port: PORT } }));
    },
  };
}

/** The same without the command: what a program sees that talks to the agent itself. */
export function voltCall({ measure }: BenchNode): Contender {
  const name = namer('call');
  return {
    name: 'volt, by its socket',
    role: 'reference',
    sample: () => {
      const container = name();
      const params = { name: container, image: IMAGE };
      const order = { act: { kind: 'call', method: 'container.run', params }, server: { port: PORT } } as const;
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
