/** The contexts that need no file. */
import type { Context } from './schema.ts';

export const CONTEXTS_MAX = 1000;

export const DEFAULT_CONTEXT = 'default';
export const DEFAULT_SOCKET = '/run/volt/volt.sock';

/** The cluster this machine belongs to, through the agent's socket. */
const CLUSTER_CONTEXT = 'cluster';

/** The contexts that are always there, whatever the file says. */
export const builtIn: Readonly<Record<string, Context>> = {
  [DEFAULT_CONTEXT]: { kind: 'agent', host: DEFAULT_SOCKET },
  [CLUSTER_CONTEXT]: { kind: 'controller', host: DEFAULT_SOCKET },
};
