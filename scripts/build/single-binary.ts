/** Puts a bundle and its assets into a copy of Node: one file that needs nothing else on the machine. */
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export function singleBinary(options: {
  node: string;
  bundle: string;
  assets: Readonly<Record<string, string>>;
  cache: string;
  output: string;
}): void {
  const { node, bundle, assets, cache, output } = options;
  const unfinished = `${output}.${process.pid}.tmp`;
  const configFile = join(dirname(bundle), 'sea.json');
  const config = {
    // Relative, so that stack traces do not tell where it was built.
    main: basename(bundle),
    executable: strippedNode(node, cache),
    output: unfinished,
    disableExperimentalSEAWarning: true,
    useCodeCache: true,
    assets,
    // node:ffi warns that it is experimental; that is our concern, not the user's.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    // NODE_OPTIONS is meant for the user's own Node programs, not for this one.
    execArgvExtension: 'none',
  };
  writeFileSync(configFile, JSON.stringify(config));
  execFileSync(node, ['--build-sea', configFile], { cwd: dirname(bundle), stdio: ['ignore', 'ignore', 'inherit'] });
  renameSync(unfinished, output);
}

/** Without its symbols Node is a quarter smaller. Kept between builds; a machine without `strip` uses Node as it is. */
function strippedNode(node: string, cache: string): string {
  const stripped = join(cache, `node-${process.version}-${process.arch}`);
  if (existsSync(stripped)) return stripped;
  mkdirSync(cache, { recursive: true });
  const unfinished = `${stripped}.${process.pid}.tmp`;
  const { status } = spawnSync('strip', ['-o', unfinished, node], { stdio: 'ignore' });
  if (status !== 0) {
    copyFileSync(node, unfinished);
  }
  renameSync(unfinished, stripped);
  return stripped;
}
