export { builtIn, Context, ContextName, CONTEXTS_MAX, DEFAULT_CONTEXT, type ContextsFile } from './context.ts';
export { chooseContext, parseHost, resolveDestination, type Destination } from './destination.ts';
export { contextsPath, readContexts, writeContexts } from './file.ts';
