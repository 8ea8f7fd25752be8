/**
 * Packages that a program may well never need: the agent of a machine in no
 * cluster neither NATS nor certificates. Where they are imported, a bundle gets
 * a stand-in with the same names that loads the package when one is first used.
 */
import type { Plugin } from 'esbuild';

/** xml2js is what dbus-next reads introspection with, which we never ask for. */
const packages = /^(@nats-io\/[^/]+|@peculiar\/[^/]+|yaml|xml2js)$/;

export const lazyPackages: Plugin = {
  name: 'lazy-packages',
  setup(builder) {
    builder.onResolve({ filter: packages }, async ({ path, importer, kind, resolveDir, pluginData }) => {
      const isAmongThemselves = importer.includes('/node_modules/') && path !== 'xml2js';
      if (pluginData === lazyPackages || isAmongThemselves) return undefined;
      const found = await builder.resolve(path, { importer, kind, resolveDir, pluginData: lazyPackages });
      return { ...found, namespace: 'lazy', pluginData: undefined };
    });
    builder.onLoad({ filter: /.*/, namespace: 'lazy' }, async ({ path }) => {
      const names = Object.keys((await import(path)) as object).filter((name) => name !== 'module.exports');
      return {
        contents: `for (const name of ${JSON.stringify(names)}) {
          Object.defineProperty(exports, name, { enumerable: true, get: () => require(${JSON.stringify(path)})[name] });
        }`,
        resolveDir: '/',
      };
    });
  },
};
