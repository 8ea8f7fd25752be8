/** `volt run -it`: what the row of `run` says, and staying with what was started. */
import type { ContainerSpecInput } from '@volt/shared/model';
import { lazily } from '@volt/shared/lib';
import * as z from 'zod';
import type { Command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { detachKeys, endOf, joined, requireTerminal } from './attached.ts';

const own = () => ({
  detach: z.boolean().default(false).describe('With -t or -i, do not stay with it.'),
  detachKeys: detachKeys(),
});

interface Own {
  readonly detach?: boolean;
  readonly detachKeys?: string;
}

/** The command of the row, which also stays where a terminal or open input is asked for. */
export function stayingWithRun(derived: Command): Command {
  const { path, alias, summary, positional, rest, short, examples } = derived;
  const plain = {
    ...{ path, alias, summary, positional, rest },
    short: { ...short, d: 'detach' },
    examples: [...examples, 'run box debian:trixie -it --rm -- bash'],
    async run(values: Record<string, unknown>, session: Session, given: object) {
      const { detach, detachKeys: _, ...asked } = given as Own & ContainerSpecInput;
      const stays = (asked.tty === true || asked.interactive === true) && detach !== true;
      if (!stays) return derived.run(values, session, asked);
      return runAttached(asked, (values as { detachKeys: string }).detachKeys, session);
    },
  };
  return lazily(plain, {
    params: () => derived.params.extend(own()),
    errors: () => derived.errors,
    names: () => derived.names,
  });
}

async function runAttached(asked: ContainerSpecInput, keys: string, session: Session): Promise<number> {
  const isRaw = asked.tty === true;
  if (isRaw) requireTerminal(session.terminal);
  const agent = await session.agent('run');
  const passesInput = isRaw || asked.interactive === true;
  const code = await joined(session, { isRaw, passesInput, detachKeys: keys }, (size, options) =>
    agent.stream('container.runAttached', { ...asked, stdin: passesInput, ...size }, options),
  );
  return endOf(code, `'${asked.name}'`, session);
}
