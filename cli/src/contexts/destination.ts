/** From flags, environment and contexts to one target. */
import { readFile } from 'node:fs/promises';
import type { Target } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import { builtIn, DEFAULT_CONTEXT } from './context.ts';
import type { Context, ContextsFile } from './schema.ts';

/** Whom a command talks to. */
export interface Destination {
  readonly context: string;
  readonly kind: 'agent' | 'controller';
  readonly target: Target;
}

export interface Wish {
  readonly context: string | undefined;
  readonly host: string | undefined;
}

/** The context of that name, or the file's current one, or the built-in one. Throws NOT_FOUND for a name nobody has. */
export function chooseContext(file: ContextsFile, name: string | undefined): { name: string; context: Context } {
  const chosen = name ?? file.current ?? DEFAULT_CONTEXT;
  const known = { ...builtIn, ...file.contexts };
  const context = Object.hasOwn(known, chosen) ? known[chosen] : undefined;
  if (context !== undefined) return { name: chosen, context };
  throw new VoltError('NOT_FOUND', `There is no context '${chosen}'`, {
    hint: didYouMean(chosen, Object.keys(known)) ?? 'volt context list',
  });
}

/**
 * A socket as `--host` needs nothing else. An https address takes kind and
 * certificates from the context with that address, else from the chosen one:
 * another controller of the same cluster.
 */
export async function resolveDestination(file: ContextsFile, wish: Wish): Promise<Destination> {
  if (wish.host === undefined) {
    const { name, context } = chooseContext(file, wish.context);
    return { context: name, kind: context.kind, target: await targetOf(context, name) };
  }
  const place = parseHost(wish.host);
  if (place.kind === 'socket') return { context: wish.host, kind: 'agent', target: place };
  const same = Object.entries(file.contexts).find(([, { host }]) => host === wish.host);
  const { name, context } = same ? { name: same[0], context: same[1] } : chooseContext(file, wish.context);
  if (context.ca === undefined) {
    throw new VoltError('USAGE', `No context has certificates for ${wish.host}`, {
      hint: `volt context add NAME --host ${wish.host} --ca FILE --cert FILE --key FILE`,
    });
  }
  return { context: name, kind: context.kind, target: await targetOf({ ...context, host: wish.host }, name) };
}

export type Place = { kind: 'socket'; path: string } | { kind: 'tls'; host: string; port: number };

/** Throws USAGE for what is neither a path nor an https address with a port. */
export function parseHost(text: string): Place {
  const path = text.replace(/^unix:(?:\/\/)?/, '');
  if (path.startsWith('/')) return { kind: 'socket', path };
  const url = URL.parse(text);
  if (
    url?.protocol === 'https:' &&
    url.port !== '' &&
    url.pathname === '/' &&
    url.username === '' &&
    url.search === ''
  ) {
    return { kind: 'tls', host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) };
  }
  throw new VoltError('USAGE', `'${text}' is neither a path nor https://ADDRESS:PORT`, {
    hint: 'an agent listens on 7443, a controller on 7444',
  });
}

async function targetOf(context: Context, name: string): Promise<Target> {
  const place = parseHost(context.host);
  if (place.kind === 'socket') return place;
  const [ca, cert, key] = await Promise.all(
    (['ca', 'cert', 'key'] as const).map((what) => readPem(context[what], what, name)),
  );
  return { ...place, serverName: context.serverName, ca: ca!, cert: cert!, key: key! };
}

async function readPem(path: string | undefined, what: string, name: string): Promise<string> {
  if (path === undefined) throw new VoltError('INVALID_CONFIG', `Context '${name}' has no '${what}'`);
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code === 'EACCES' ? 'PERMISSION' : 'INVALID_CONFIG';
    throw new VoltError(code, `Context '${name}': ${path} cannot be read`, {
      hint: `volt context show ${name}`,
      cause,
    });
  }
}
