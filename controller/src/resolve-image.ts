/** What an image's name means, by asking the agents that are there. */
import { connect } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';
import type { ResolveImage } from './cluster/index.ts';

export interface ResolvePorts {
  readonly identity: { readonly ca: string; readonly cert: string; readonly key: string };
  readonly agentPort: number;
  readonly agents: () => Promise<readonly { readonly name: string; readonly address: string }[]>;
}

const ASK_TIMEOUT_MS = 3000;
/** In a large cluster the first few that have an image are as good as all. */
const ASKED_MAX = 64;

/**
 * Names are each node's own: two nodes may mean different images by one name.
 * The one that was made last wins, as it would on a single node.
 */
export function imageResolver({ identity, agentPort, agents }: ResolvePorts): ResolveImage {
  return async (name) => {
    const asked = (await agents()).slice(0, ASKED_MAX);
    const answers = await Promise.all(asked.map(({ address }) => inspect(address, name)));
    const newest = answers
      .filter((answer) => answer !== undefined)
      .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt))[0];
    if (newest !== undefined) return { manifest: newest.digest, tree: newest.tree };
    throw new VoltError('NOT_FOUND', `No node that answers has an image '${name}'`, {
      hint: 'volt image list --node NODE',
    });
  };

  async function inspect(host: string, name: string) {
    const client = connect({ kind: 'tls', host, port: agentPort, ...identity }, agentMethods, {
      timeoutMs: ASK_TIMEOUT_MS,
    });
    try {
      return await client.call('image.inspect', { name });
    } catch {
      // It does not have it, or does not answer: the others are asked all the same.
      return undefined;
    } finally {
      client.close();
    }
  }
}
