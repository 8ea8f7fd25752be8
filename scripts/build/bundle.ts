/** Turns one entry and all it imports into one CommonJS file, the only form a single binary can start. */
import { readFile, writeFile } from 'node:fs/promises';
import { Module } from 'node:module';
import { join } from 'node:path';
import { build, type Plugin } from 'esbuild';
import { lazyModules } from './lazy-modules.ts';

interface Bundle {
  /** Every file that went in, absolute. */
  readonly inputs: readonly string[];
}

export async function bundle(options: {
  top: string;
  entry: string;
  output: string;
  version: string;
  /** As a function of what a CommonJS file may use. Added here, it costs no second copy of the text at load. */
  wrapped?: boolean;
}): Promise<Bundle> {
  const { top, entry, output, version, wrapped = false } = options;
  const result = await build({
    absWorkingDir: top,
    entryPoints: [entry],
    outfile: output,
    bundle: true,
    platform: 'node',
    target: 'node26',
    format: 'cjs',
    minifySyntax: true,
    minifyWhitespace: true,
    // Identifiers stay: stack traces of a bug report are read by people.
    minifyIdentifiers: false,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
    define: {
      VOLT_VERSION: JSON.stringify(version),
      'import.meta.dirname': '__dirname',
      'import.meta.filename': '__filename',
    },
    // A real import() cannot load built-in modules in a single binary; require() can.
    supported: { 'dynamic-import': false },
    alias: {
      '@napi-rs/blake-hash': join(top, 'scripts/build/embedded-blake.ts'),
      xml2js: join(top, 'scripts/build/no-xml.ts'),
    },
    // dbus-next asks for both and goes on without: x11 is for desktops, and usocket loses messages.
    external: ['usocket', 'x11'],
    plugins: [embeddedPrograms(top), embeddedWasm, lazyModules],
  });
  const code = ascii(result.outputFiles[0]?.text ?? '');
  await writeFile(output, wrapped ? Module.wrap(code) : code);
  return {
    inputs: Object.keys(result.metafile.inputs)
      .filter((path) => !/^(program|lazy):/.test(path))
      .map((path) => join(top, path)),
  };
}

/**
 * One byte a character makes a bundle half as large in memory and quick to
 * load. esbuild escapes all but regular expressions, where \uXXXX means the same.
 */
function ascii(code: string): string {
  return code.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** In the entry, importing a program means starting it from its asset. */
const embeddedPrograms = (top: string): Plugin => ({
  name: 'embedded-programs',
  setup(builder) {
    builder.onResolve({ filter: /^\.\.\/(agent|controller|cli)\/src\/main\.ts$/ }, ({ path }) => ({
      namespace: 'program',
      path: path.split('/')[1] ?? '',
    }));
    builder.onLoad({ filter: /.*/, namespace: 'program' }, ({ path }) => ({
      contents: `
        import { loadProgram } from './scripts/build/embedded-program.ts';
        export const { main } = loadProgram('${path}');`,
      resolveDir: top,
    }));
  },
});

/** blake3-wasm reads its .wasm from a file beside itself; in the binary it is an asset. */
const embeddedWasm: Plugin = {
  name: 'embedded-wasm',
  setup(builder) {
    builder.onLoad({ filter: /blake3-wasm\/dist\/wasm\/blake3\.js$/ }, async ({ path }) => {
      const source = await readFile(path, 'utf8');
      const hook = 'var wasmBinary;';
      if (!source.includes(hook)) throw new Error(`${path} has no '${hook}': adapt the build to this version`);
      return { contents: source.replace(hook, `var wasmBinary = require('node:sea').getRawAsset('blake3.wasm');`) };
    });
  },
};
