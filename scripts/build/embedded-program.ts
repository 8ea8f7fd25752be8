/**
 * Starts the agent, the controller or the CLI inside the single binary.
 *
 * Each is a bundle of its own with V8's code cache beside it, taken after it
 * was loaded once. So no program pays for the code of another one, and none
 * is compiled again at every start.
 */
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

export interface Program {
  readonly main: (argv: readonly string[]) => Promise<number>;
}

/**
 * Programs that stay. They are packed in the binary, as what is read of a file
 * while it is mapped counts as memory from then on; unpacking costs them 10 ms.
 */
export const services: readonly string[] = ['agent', 'controller'];

export function loadProgram(name: string): Program {
  // Bundles are ASCII, which the build checks; latin1 is a plain copy.
  const source = read(`${name}.cjs`, name).toString('latin1');
  const script = new Script(source, { filename: `${name}.cjs`, cachedData: read(`${name}.cache`, name) });
  if (name === 'agent') saveMemory();
  return runScript(script, name, builtin) as Program;
}

function read(asset: string, name: string): Buffer {
  const bytes = Buffer.from(getRawAsset(asset));
  return services.includes(name) ? process.getBuiltinModule('node:zlib').zstdDecompressSync(bytes) : bytes;
}

/**
 * V8 lets the space for new objects grow to 32 MB when much is made at once, as
 * while loading, and gives it back minutes later. An agent is on every node, and
 * makes little. Only after the code cache is read, which is valid for one set of
 * flags only.
 */
function saveMemory(): void {
  process.getBuiltinModule('node:v8').setFlagsFromString('--semi-space-growth-factor=1');
}

/** Runs a script in CommonJS clothes and gives what it exports. The build does the same to fill the cache. */
export function runScript(script: Script, name: string, require: (id: string) => unknown): unknown {
  const module = { exports: {} };
  const body = script.runInThisContext() as (...commonJs: unknown[]) => void;
  body(module.exports, require, module, `${name}.cjs`, '.');
  return module.exports;
}

/** All a bundle may ask for: everything else is in it. */
export function builtin(id: string): unknown {
  const found: unknown = process.getBuiltinModule(id);
  if (found === undefined) throw Object.assign(new Error(`Cannot find module '${id}'`), { code: 'MODULE_NOT_FOUND' });
  return found;
}
