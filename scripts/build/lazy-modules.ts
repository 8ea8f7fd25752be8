/**
 * What a program may well never need is loaded when it is first used. Where it
 * is imported, a bundle gets a stand-in with the same names.
 */
import { join } from 'node:path';
import type { Plugin } from 'esbuild';

/**
 * The agent of a machine in no cluster needs neither NATS nor certificates.
 * Node's own are those that it has not loaded by itself when a program starts.
 */
const packages = /^(@nats-io\/[^/]+|@peculiar\/[^/]+|yaml|node:(?:fs\/promises|child_process|crypto))$/;

/** Files of nothing but schemas: a command needs those of one method, and to make all of them takes longer than it. */
const schemas = /\/(?:shared\/src\/(?:model|rpc\/shapes)\/(?!index\.)[a-z-]+|cli\/src\/contexts\/schema)\.ts$/;

export const lazyModules: Plugin = {
  name: 'lazy-modules',
  setup(builder) {
    builder.onResolve({ filter: packages }, async ({ path, importer, namespace, kind, resolveDir, pluginData }) => {
      if (namespace === 'lazy' || pluginData === lazyModules) return undefined;
      if (path.startsWith('node:')) return { path, namespace: 'lazy' };
      const isAmongThemselves = importer.includes('/node_modules/');
      if (isAmongThemselves) return undefined;
      const found = await builder.resolve(path, { importer, kind, resolveDir, pluginData: lazyModules });
      return { ...found, namespace: 'lazy', pluginData: undefined };
    });
    builder.onResolve({ filter: /^\.\.?\/.*\.ts$/ }, ({ path, resolveDir, pluginData }) => {
      const file = join(resolveDir, path);
      if (pluginData === lazyModules || !schemas.test(file)) return undefined;
      return { path: file, namespace: 'lazy' };
    });
    builder.onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== 'module.exports');
      return {
        contents: `let loaded;
        for (const name of ${JSON.stringify(names)}) {
          const get = () => (loaded ??= require(${JSON.stringify(path)}))[name];
          Object.defineProperty(exports, name, { enumerable: true, get });
        }`,
        resolveDir: '/',
      };
    });
  },
};
