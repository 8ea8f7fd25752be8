/** Images that are named by where they come from, and a node that may have them. */
import type { Client } from '@volt/shared/client';
import { toVoltError, VoltError } from '@volt/shared/errors';
import { RegistryReference, type ImageDetail } from '@volt/shared/model';
import type { AgentMethods } from '@volt/shared/rpc';
import * as z from 'zod';
import type { Session } from '../session/index.ts';

export const PullPolicy = z.enum(['missing', 'always', 'never']);
export type PullPolicy = z.output<typeof PullPolicy>;

type Agent = Client<AgentMethods>;

export const isRemote = (image: string): boolean => RegistryReference.safeParse(image).success;

/** What the agent calls it: the last part of the path, and the tag. */
function localName(reference: string): string {
  const [last = ''] = reference.slice(reference.lastIndexOf('/') + 1).split('@');
  return last.includes(':') ? last : `${last}:latest`;
}

/** As the node writes down where an image came from. */
function spelled(reference: string): string {
  const withTag = /@|:[^/]*$/.test(reference) ? reference : `${reference}:latest`;
  // What Docker calls official images have no owner in their names.
  return withTag.replace(/^docker\.io\/([^/]+)$/, 'docker.io/library/$1');
}

/**
 * Its name on the node, once it is there. One of another registry under that name is not what was asked for; one from
 * elsewhere is CONFLICT.
 */
export async function fromRegistry(
  reference: string,
  policy: PullPolicy,
  agent: Agent,
  session: Session,
): Promise<string> {
  const name = localName(reference);
  const found = await inspected(name, agent, session);
  const present = found?.origin?.reference === spelled(reference) ? found : undefined;
  if (found !== undefined && found.origin?.format !== 'registry') {
    throw new VoltError('CONFLICT', `'${name}' is here, and is no image of a registry`, {
      hint: `volt image pull ${reference} --name OTHER, and use OTHER`,
    });
  }
  if (policy === 'always' || (policy === 'missing' && present === undefined)) return pulled(reference, agent, session);
  if (present !== undefined) return name;
  throw new VoltError('NOT_FOUND', `There is no image '${name}'`, { hint: `volt image pull ${reference}` });
}

async function inspected(name: string, agent: Agent, session: Session): Promise<ImageDetail | undefined> {
  try {
    return await agent.call('image.inspect', { name }, { signal: session.signal });
  } catch (thrown) {
    if (toVoltError(thrown).code === 'NOT_FOUND') return undefined;
    throw thrown;
  }
}

/** From its registry, or from another node. How far it is is told meanwhile. */
export async function pulled(reference: string, agent: Agent, session: Session): Promise<string> {
  const progress = session.progress();
  try {
    const onEvent = (event: { line: string }) => progress.show(event);
    return (await agent.stream('image.pull', { reference }, { signal: session.signal, onEvent })).name;
  } finally {
    await progress.end();
  }
}
