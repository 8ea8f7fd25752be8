/** `pnpm build`: makes dist/volt, the one program of agent, controller and CLI. Does nothing if it is up to date. */
import { execFile as execFileCallback, spawnSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, readFileSync, realpathSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompressSync } from 'node:zlib';
import { bundle } from './build/bundle.ts';
import { services } from './build/embedded-program.ts';
import { buildConsole, buildEnter } from './build/enter.ts';
import { singleBinary } from './build/single-binary.ts';
import { isFresh, writeStamp } from './build/stamp.ts';

const top = resolve(import.meta.dirname, '..');
const work = join(top, 'dist/build');
const output = join(top, 'dist/volt');
const programNames = ['agent', 'controller', 'cli'];
const codeCacheTool = join(top, 'scripts/build/code-cache.ts');
const execFile = promisify(execFileCallback);
const threadsFile = join(work, 'store-worker.cjs');
const stampFile = join(work, 'stamp.json');

const startedMs = performance.now();
const node = realpathSync(process.execPath);
const version = versionOf(top);
const enter = await buildEnter(top, join(work, 'cache'));
const holder = await buildConsole(top, join(work, 'cache'));
const assets = { ...findAssets(), 'agent/enter': enter, 'agent/console': holder };
const facts = [version, process.version, process.arch, enter, holder, ...Object.keys(assets)];

if (existsSync(output) && isFresh(stampFile, facts)) {
  console.log(`dist/volt is up to date (${version})`);
} else {
  mkdirSync(work, { recursive: true });
  const entry = await bundle({ top, entry: 'scripts/volt-entry.ts', output: join(work, 'volt.cjs'), version });
  const programs = await Promise.all(programNames.map((name) => buildProgram(name)));
  // Threads start from a text, as there is no file to start them from.
  const threads = await bundle({ top, entry: 'agent/src/store/worker.ts', output: threadsFile, version });
  singleBinary({
    node,
    bundle: join(work, 'volt.cjs'),
    assets: Object.assign({ 'store-worker.cjs': threadsFile }, assets, ...programs.map((one) => one.assets)) as Record<
      string,
      string
    >,
    cache: join(work, 'cache'),
    output,
  });
  const tools = globSync('scripts/{build.ts,build/*.ts}', { cwd: top }).map((path) => join(top, path));
  const bundled = [entry, threads, ...programs].flatMap(({ inputs }) => inputs);
  writeStamp(stampFile, [...bundled, ...Object.values(assets), ...tools, join(top, 'pnpm-lock.yaml')], facts);
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
  console.log(`dist/volt ${version}: ${Math.round(statSync(output).size / 1e6)} MB in ${seconds} s`);
}

/** One of the programs in the binary: its bundle and the code cache that goes with it. */
async function buildProgram(name: string): Promise<{ inputs: readonly string[]; assets: Record<string, string> }> {
  const bundleFile = join(work, `${name}.cjs`);
  const cacheFile = join(work, `${name}.cache`);
  const assetsFile = join(work, `${name}.assets.json`);
  const { inputs } = await bundle({ top, entry: `${name}/src/main.ts`, output: bundleFile, version, wrapped: true });
  writeFileSync(assetsFile, JSON.stringify(assets));
  await execFile(node, ['--disable-warning=ExperimentalWarning', codeCacheTool, bundleFile, cacheFile, assetsFile]);
  const isService = services.includes(name);
  const [code, cache] = [bundleFile, cacheFile].map((path) => (isService ? packed(path) : path));
  return { inputs, assets: { [`${name}.cjs`]: code!, [`${name}.cache`]: cache! } };
}

function packed(path: string): string {
  writeFileSync(`${path}.zst`, zstdCompressSync(readFileSync(path)));
  return `${path}.zst`;
}

/** `0.1.0+5f3a2c1`, with `.dirty` for changes nobody committed, or the bare number outside a git checkout. */
function versionOf(folder: string): string {
  const { version: number } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string };
  const git = spawnSync('git', ['describe', '--always', '--exclude=*', '--dirty=.dirty'], {
    cwd: folder,
    encoding: 'utf8',
  });
  return git.status === 0 ? `${number}+${git.stdout.trim()}` : number;
}

/** What the binary carries besides code: every file in an assets/ folder, the native hash addon and its fallback. */
function findAssets(): Record<string, string> {
  const own = globSync('{agent,controller,cli,shared}/src/**/assets/**', { cwd: top })
    .filter((path) => statSync(join(top, path)).isFile())
    .toSorted();
  const fromAgent = createRequire(join(top, 'agent/package.json'));
  const fromBlake = createRequire(fromAgent.resolve('@napi-rs/blake-hash'));
  const fromWasm = createRequire(createRequire(fromAgent.resolve('blake3')).resolve('blake3-wasm'));
  return {
    ...Object.fromEntries(own.map((path) => [path, join(top, path)])),
    'blake.node': fromBlake.resolve(`@napi-rs/blake-hash-linux-${process.arch}-gnu`),
    'blake3.wasm': join(dirname(fromWasm.resolve('blake3-wasm/package.json')), 'dist/wasm/blake3.wasm'),
  };
}
