/** What is called how, asked of whoever knows: for completion, and for names that were mistyped. */
import type { NameSource } from '../catalog/index.ts';
import { builtIn, contextsPath, readContexts } from '../contexts/index.ts';
import type { Session, Side } from '../session/index.ts';

interface Named {
  readonly name: string;
  readonly workload?: string | null;
}

const lists: Readonly<Record<Exclude<NameSource, 'context'>, { method: string; side: Side }>> = {
  container: { method: 'container.list', side: 'agent' },
  image: { method: 'image.list', side: 'agent' },
  volume: { method: 'volume.list', side: 'agent' },
  secret: { method: 'secret.list', side: 'agent' },
  config: { method: 'config.list', side: 'agent' },
  instance: { method: 'instance.list', side: 'either' },
  workload: { method: 'deploy.list', side: 'controller' },
  node: { method: 'node.list', side: 'controller' },
};

/** Never worth failing for: what cannot be asked has no names. */
export async function namesOf(source: NameSource, session: Session): Promise<string[]> {
  try {
    if (source === 'context') {
      const { contexts } = await readContexts(contextsPath(session.terminal.env));
      return Object.keys({ ...builtIn, ...contexts });
    }
    const { method, side } = lists[source];
    const client = side === 'controller' ? await session.cluster() : await session.client(side, method);
    const rows = (await (client as { call(name: string, params: object): Promise<unknown> }).call(
      method,
      {},
    )) as Named[];
    const names = rows.flatMap(({ name, workload }) => (workload ? [name, workload] : [name]));
    return [...new Set(source === 'image' ? names.flatMap(shorter) : names)];
  } catch {
    return [];
  }
}

/** `nginx` is `nginx:latest`. */
const shorter = (name: string) => (name.endsWith(':latest') ? [name.slice(0, -':latest'.length), name] : [name]);
