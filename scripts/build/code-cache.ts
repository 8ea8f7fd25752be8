/**
 * Writes the code cache of one program: `node code-cache.ts <bundle> <cache> <assets.json>`.
 *
 * Run as a process of its own, because it loads the program. Loading starts
 * nothing (only `main` does), and the cache then holds every function that
 * loading needs, not just the outermost one. The CLI is also taken through a
 * command, for it is as long in coming as its user has to wait.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { Script } from 'node:vm';
import { builtin, runScript, type Program } from './embedded-program.ts';
import { rehearse } from './rehearsal.ts';

const [bundleFile = '', cacheFile = '', assetsFile = ''] = process.argv.slice(2);
const assets = JSON.parse(readFileSync(assetsFile, 'utf8')) as Record<string, string>;

/** What node:sea will be once the program runs inside the binary. */
const seaWithAssets = {
  isSea: () => true,
  getRawAsset: (name: string) => new Uint8Array(readFileSync(assets[name] ?? '')).buffer,
};

const bytes = readFileSync(bundleFile);
if (bytes.some((byte) => byte > 127)) throw new Error(`${bundleFile} is not ASCII`);
const name = basename(bundleFile, '.cjs');
const script = new Script(bytes.toString('latin1'), { filename: `${name}.cjs` });
const program = runScript(script, name, (id) => (id === 'node:sea' ? seaWithAssets : builtin(id))) as Program;
if (name === 'cli') await rehearse(program.main);
writeFileSync(cacheFile, script.createCachedData());
process.exit();
