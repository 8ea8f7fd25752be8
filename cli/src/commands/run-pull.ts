/** `volt run --pull`: an image that is not on the node comes from where its name says, before the container is made. */
import { toVoltError } from '@volt/shared/errors';
import { lazily } from '@volt/shared/lib';
import * as z from 'zod';
import type { Command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';
import { fromRegistry, isRemote, pulled, PullPolicy } from './pulling.ts';

const REFERENCE_CHARACTERS_MAX = 512;

const own = () => ({
  image: z
    .string()
    .min(1)
    .max(REFERENCE_CHARACTERS_MAX)
    .describe('Image, as NAME or NAME:TAG, or HOST/PATH[:TAG] of a registry.'),
  pull: PullPolicy.default('missing').describe('When it is fetched, from the registry or from other nodes.'),
});

export function pullingFirst(inner: Command): Command {
  const { path, alias, summary, positional, rest, short, examples } = inner;
  const plain = {
    ...{ path, alias, summary, positional, rest, short },
    examples: [...examples, 'run web ghcr.io/org/app:1.2', 'run web docker.io/nginx --pull always'],
    async run(values: Record<string, unknown>, session: Session, given: object) {
      const { pull: _, ...asked } = given as { pull?: PullPolicy; image: string };
      const run = (image: string) => inner.run(values, session, { ...asked, image });
      return isRemote(asked.image)
        ? run(await fromRegistry(asked.image, values['pull'] as PullPolicy, await session.agent('run'), session))
        : ofCluster(asked.image, values['pull'] as PullPolicy, session, run);
    },
  };
  return lazily(plain, {
    params: () => inner.params.extend(own()),
    errors: () => [...new Set([...inner.errors, 'NETWORK' as const, 'CONFLICT' as const])],
    names: () => inner.names,
  });
}

/** One that has no registry in its name may be on another node. That it is here costs no question more. */
async function ofCluster(
  name: string,
  policy: PullPolicy,
  session: Session,
  run: (image: string) => Promise<number>,
): Promise<number> {
  if (policy === 'always') return run(await pulled(name, await session.agent('run'), session));
  try {
    return await run(name);
  } catch (thrown) {
    const { code, message } = toVoltError(thrown);
    if (policy === 'never' || code !== 'NOT_FOUND' || !message.startsWith('No image')) throw thrown;
    // A node alone, or a cluster without it: that it is not here says it best.
    const found = await pulled(name, await session.agent('run'), session).catch(() => undefined);
    if (found === undefined) throw thrown;
    return run(found);
  }
}
