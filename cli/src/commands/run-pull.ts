/** `volt run --pull`: an image that is not on the node comes from where its name says, before the container is made. */
import { toVoltError, VoltError } from '@volt/shared/errors';
import { lazily } from '@volt/shared/lib';
import type { ImageDetail } from '@volt/shared/model';
import * as z from 'zod';
import type { Command } from '../catalog/index.ts';
import type { Session } from '../session/index.ts';

const REFERENCE_CHARACTERS_MAX = 512;

const own = () => ({
  image: z
    .string()
    .min(1)
    .max(REFERENCE_CHARACTERS_MAX)
    .describe('Image, as NAME or NAME:TAG, or HOST/PATH[:TAG] of a registry.'),
  pull: z
    .enum(['missing', 'always', 'never'])
    .default('missing')
    .describe('When it is fetched, from the registry or from other nodes.'),
});

type Policy = 'missing' | 'always' | 'never';

export function pullingFirst(inner: Command): Command {
  const { path, alias, summary, positional, rest, short, examples } = inner;
  const plain = {
    ...{ path, alias, summary, positional, rest, short },
    examples: [...examples, 'run web ghcr.io/org/app:1.2', 'run web docker.io/nginx --pull always'],
    async run(values: Record<string, unknown>, session: Session, given: object) {
      const { pull: _, ...asked } = given as { pull?: Policy; image: string };
      const run = (image: string) => inner.run(values, session, { ...asked, image });
      return isRemote(asked.image)
        ? run(await fromRegistry(asked.image, values['pull'] as Policy, session))
        : ofCluster(asked.image, values['pull'] as Policy, session, run);
    },
  };
  return lazily(plain, {
    params: () => inner.params.extend(own()),
    errors: () => [...new Set([...inner.errors, 'NETWORK' as const, 'CONFLICT' as const])],
    names: () => inner.names,
  });
}

/** A name whose first part has a dot or a port, or is localhost. */
function isRemote(reference: string): boolean {
  const [first = '', ...rest] = reference.split('/');
  return rest.length > 0 && (first === 'localhost' || /[.:]/.test(first));
}

/** What the agent calls it: the last part of the path, and the tag. */
function localName(reference: string): string {
  const [last = ''] = reference.slice(reference.lastIndexOf('/') + 1).split('@');
  return last.includes(':') ? last : `${last}:latest`;
}

/** Its name on the node, once it is there. CONFLICT where that name is of an image from elsewhere. */
async function fromRegistry(reference: string, policy: Policy, session: Session): Promise<string> {
  const name = localName(reference);
  const present = await inspected(name, session);
  if (present !== undefined && present.origin?.format !== 'registry') {
    throw new VoltError('CONFLICT', `'${name}' is here, and is no image of a registry`, {
      hint: `volt image pull ${reference} --name OTHER, then: volt run NAME OTHER`,
    });
  }
  if (policy === 'always' || (policy === 'missing' && present === undefined)) return pulled(reference, session);
  if (present !== undefined) return name;
  throw new VoltError('NOT_FOUND', `There is no image '${name}'`, { hint: `volt image pull ${reference}` });
}

/** One that has no registry in its name may be on another node. That it is here costs no question more. */
async function ofCluster(
  name: string,
  policy: Policy,
  session: Session,
  run: (image: string) => Promise<number>,
): Promise<number> {
  if (policy === 'always') return run(await pulled(name, session));
  try {
    return await run(name);
  } catch (thrown) {
    const { code, message } = toVoltError(thrown);
    if (policy === 'never' || code !== 'NOT_FOUND' || !message.startsWith('No image')) throw thrown;
    // A node alone, or a cluster without it: that it is not here says it best.
    const found = await pulled(name, session).catch(() => undefined);
    if (found === undefined) throw thrown;
    return run(found);
  }
}

async function inspected(name: string, session: Session): Promise<ImageDetail | undefined> {
  const agent = await session.agent('run');
  try {
    return await agent.call('image.inspect', { name }, { signal: session.signal });
  } catch (thrown) {
    if (toVoltError(thrown).code === 'NOT_FOUND') return undefined;
    throw thrown;
  }
}

async function pulled(reference: string, session: Session): Promise<string> {
  const agent = await session.agent('run');
  const progress = session.progress();
  try {
    const onEvent = (event: { line: string }) => progress.show(event);
    return (await agent.stream('image.pull', { reference }, { signal: session.signal, onEvent })).name;
  } finally {
    await progress.end();
  }
}
