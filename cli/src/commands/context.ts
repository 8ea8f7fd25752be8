import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import {
  builtIn,
  chooseContext,
  Context,
  ContextName,
  CONTEXTS_MAX,
  contextsPath,
  DEFAULT_CONTEXT,
  parseHost,
  readContexts,
  writeContexts,
  type ContextsFile,
} from '../contexts/index.ts';
import { cannotRead } from './image-import.ts';

const name = () => ContextName.describe('Name of the context.');
const shown = ['name', 'current', 'kind', 'host'] as const;

const add = command({
  path: 'context add',
  summary: 'Remember a server and the certificate to show it.',
  params: () =>
    z.object({
      name: name(),
      ...Context.shape,
      kind: Context.shape.kind.default('controller'),
      force: z.boolean().default(false).describe('Replace one of the same name.'),
    }),
  positional: ['name'],
  short: { f: 'force' },
  examples: ['context add prod --host https://192.0.2.1:7444 --ca ca.pem --cert me.pem --key me.key'],
  errors: ['ALREADY_EXISTS', 'NOT_FOUND', 'INVALID_CONFIG'],

  async run({ name, force, ...wanted }, session) {
    const path = contextsPath(session.terminal.env);
    const file = await readContexts(path);
    if (!force && (Object.hasOwn(builtIn, name) || Object.hasOwn(file.contexts, name))) {
      throw new VoltError('ALREADY_EXISTS', `There is a context '${name}' already`, {
        hint: 'another name, or --force',
      });
    }
    if (Object.keys(file.contexts).length >= CONTEXTS_MAX) {
      throw new VoltError('RESOURCE', `There are ${CONTEXTS_MAX} contexts already`, { hint: 'volt context rm NAME' });
    }
    const context = await complete(wanted);
    await writeContexts(path, { ...file, contexts: { ...file.contexts, [name]: context } });
    await session.note(`Use it with: volt context use ${name}`);
    return 0;
  },
});

/** Paths are kept absolute, so that a context works from every folder. */
async function complete(wanted: Context): Promise<Context> {
  const files = ['ca', 'cert', 'key'] as const;
  if (parseHost(wanted.host).kind === 'socket') {
    const surplus = files.find((what) => wanted[what] !== undefined);
    if (surplus !== undefined) throw new VoltError('USAGE', `A socket takes no '--${surplus}'`);
    return wanted;
  }
  const absolute: Record<string, string> = {};
  for (const what of files) {
    const path = wanted[what];
    if (path === undefined)
      throw new VoltError('USAGE', `https needs '--${what} FILE'`, { hint: 'all of --ca, --cert and --key' });
    const pem = await readFile(path, 'utf8').catch((cause: unknown) => Promise.reject(cannotRead(path, cause)));
    if (!pem.includes('-----BEGIN ')) throw new VoltError('INVALID_CONFIG', `'${path}' is not a PEM file`);
    absolute[what] = resolve(path);
  }
  return { ...wanted, ...absolute };
}

const list = command({
  path: 'context list',
  summary: 'List the servers that volt can talk to.',
  params: () => z.object({}),
  examples: ['context list'],

  async run(_values, session) {
    const file = await readContexts(contextsPath(session.terminal.env));
    const current = session.settings.context ?? file.current ?? DEFAULT_CONTEXT;
    const all = { ...builtIn, ...file.contexts };
    const rows = Object.entries(all).map(([name, context]) => ({ name, current: name === current, ...context }));
    await session.print(rows, { columns: shown, wide: ['serverName', 'ca', 'cert', 'key'] }, 'contexts');
    return 0;
  },
});

const show = command({
  path: 'context show',
  summary: 'Show one context; the current one by default.',
  params: () => z.object({ name: name().optional() }),
  positional: ['name'],
  examples: ['context show', 'context show prod'],
  errors: ['NOT_FOUND'],
  names: { name: 'context' },

  async run(values, session) {
    const file = await readContexts(contextsPath(session.terminal.env));
    const { name, context } = chooseContext(file, values.name ?? session.settings.context);
    await session.print({ name, ...context }, { columns: [] });
    return 0;
  },
});

const use = command({
  path: 'context use',
  summary: 'Talk to this one from here on.',
  params: () => z.object({ name: name() }),
  positional: ['name'],
  examples: ['context use prod', 'context use default'],
  errors: ['NOT_FOUND'],
  names: { name: 'context' },

  async run({ name }, session) {
    const { env } = session.terminal;
    const path = contextsPath(env);
    const file = await readContexts(path);
    chooseContext(file, name);
    await writeContexts(path, { ...file, current: name });
    for (const variable of ['VOLT_CONTEXT', 'VOLT_HOST']) {
      if ((env[variable] ?? '') !== '') await session.note(`warning: ${variable} is set, and wins over this`);
    }
    return 0;
  },
});

const remove = command({
  path: 'context rm',
  summary: 'Forget a context. Its certificate files stay.',
  params: () => z.object({ name: name() }),
  positional: ['name'],
  examples: ['context rm old'],
  errors: ['NOT_FOUND'],
  names: { name: 'context' },

  async run({ name }, { terminal }) {
    const path = contextsPath(terminal.env);
    const file = await readContexts(path);
    if (!Object.hasOwn(file.contexts, name)) {
      if (Object.hasOwn(builtIn, name)) throw new VoltError('USAGE', `'${name}' is built in: it cannot be removed`);
      chooseContext(file, name);
    }
    const { [name]: _gone, ...contexts } = file.contexts;
    const kept: ContextsFile = { contexts };
    if (file.current !== undefined && file.current !== name) kept.current = file.current;
    await writeContexts(path, kept);
    return 0;
  },
});

export const contextCommands = [add, list, show, use, remove];
