/**
 * Starts the agent, the controller or the CLI inside the single binary.
 *
 * Each is a bundle of its own with V8's code cache beside it, taken after it
 * was loaded once. So no program pays for the code of another one, and none
 * is compiled again at every start.
 */
import { Module } from 'node:module';
import { getRawAsset } from 'node:sea';
import { Script } from 'node:vm';

export interface Program {
  readonly main: (argv: readonly string[]) => Promise<number>;
}

export function loadProgram(name: string): Program {
  // Bundles are ASCII, which the build checks; latin1 is a plain copy.
  const source = Buffer.from(getRawAsset(`${name}.cjs`)).toString('latin1');
  const cachedData = Buffer.from(getRawAsset(`${name}.cache`));
  const script = new Script(Module.wrap(source), { filename: `${name}.cjs`, cachedData });
  return runScript(script, name, builtin) as Program;
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
