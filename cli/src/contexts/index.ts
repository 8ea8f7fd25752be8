export { builtIn, CONTEXTS_MAX, DEFAULT_CONTEXT } from './context.ts';
export { chooseContext, parseHost, resolveDestination, type Destination } from './destination.ts';
export { contextsPath, readContexts, replaceFile, writeContexts } from './file.ts';
export { Context, ContextName, type ContextsFile } from './schema.ts';
