import type { AgentMethods, Handlers } from '@volt/shared/rpc';
import { mayDo, type Caller } from '@volt/shared/server';
import { collect, type KeptFiles } from '../../secrets/index.ts';
import { bytes } from './bytes.ts';

type Row = Extract<keyof AgentMethods, `secret.${string}` | `config.${string}`>;

export interface Given {
  readonly secrets: KeptFiles;
  readonly configs: KeptFiles;
}

export function givenHandlers({ secrets, configs }: Given): Pick<Handlers<AgentMethods, Caller>, Row> {
  return {
    'secret.create': async (given, { input }) => secrets.create(given, await collect(bytes(input))),
    'secret.update': async ({ name }, { input }) => secrets.update(name, await collect(bytes(input))),
    'secret.list': async () => secrets.list(),
    'secret.inspect': async ({ name }) => secrets.inspect(name),
    'secret.delete': ({ name }) => secrets.delete(name),
    'config.create': async (given, { input }) => configs.create(given, await collect(bytes(input))),
    'config.update': async ({ name }, { input }) => configs.update(name, await collect(bytes(input))),
    'config.list': async () => configs.list(),
    'config.inspect': async ({ name }, { caller }) => ({
      ...configs.inspect(name),
      text: mayDo(caller, 'config:write') ? asText(await configs.contents(name)) : null,
    }),
    'config.delete': ({ name }) => configs.delete(name),
  };
}

/** Read as text, so what is none has lost something on the way. */
const asText = (contents: string): string | null =>
  contents.includes('\uFFFD') || contents.includes('\0') ? null : contents;
