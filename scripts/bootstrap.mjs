/**
 * The first step on a fresh machine: `node scripts/bootstrap.mjs quickstart|test [args]`.
 *
 * Runs under any Node from 18 on, with nothing installed. It installs the
 * dependencies, which bring the Node that Volt needs, and hands over to it.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM = 'pnpm@12.21.0';
const SCRIPTS = ['quickstart', 'test'];
const LIBRARIES = ['libatomic1', 'libstdc++6'];

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = join(top, 'node_modules/.bin');
const [name, ...args] = process.argv.slice(2);

checkMachine();
if (!isInstalled()) await install();
if (!nodeRuns()) await installLibraries();
await handOver();

/** Says what is missing before anything is changed. */
function checkMachine() {
  if (!SCRIPTS.includes(name ?? '')) stop(2, `Usage: node scripts/bootstrap.mjs ${SCRIPTS.join('|')} [arguments]`);
  if (process.platform !== 'linux') stop(10, `Volt needs Linux; this is ${process.platform}`, 'use a Debian machine');
  if (!['x64', 'arm64'].includes(process.arch)) stop(10, `No Node for ${process.arch}`, 'use an x64 or arm64 machine');
  if (Number(process.versions.node.split('.')[0]) < 18)
    stop(10, `Node ${process.versions.node} is too old`, 'apt install nodejs');
  if (process.getuid?.() !== 0) stop(5, 'Nodes of the lab are made by root', `sudo npm run ${name}`);
}

/** What was installed is what the lock file asks for. Compared by content: a checkout changes every time stamp. */
function isInstalled() {
  try {
    return existsSync(join(bin, 'node')) && readFileSync(installedFile(), 'utf8') === wanted();
  } catch {
    return false;
  }
}

function installedFile() {
  return join(top, 'node_modules/.volt-installed');
}

function wanted() {
  const files = ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json'];
  const hash = createHash('sha256').update(process.arch);
  for (const file of files) hash.update(readFileSync(join(top, file)));
  return hash.digest('hex');
}

async function install() {
  if (spawnSync('npx', ['--version'], { stdio: 'ignore' }).status !== 0) stop(10, 'npx is missing', 'apt install npm');
  const end = progress('Installing dependencies');
  // CI: pnpm must not ask whether it may replace a folder of another version.
  const child = spawn('npx', ['-y', PNPM, 'install', '--frozen-lockfile'], {
    cwd: top,
    env: { ...process.env, CI: 'true' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (part) => (output += part));
  const code = await new Promise((done) => child.on('close', done).on('error', () => done(127)));
  end();
  if (code !== 0) {
    process.stderr.write(output);
    stop(10, 'Dependencies could not be installed', 'see above; the npm registry must be reachable');
  }
  writeFileSync(installedFile(), wanted());
}

function nodeRuns() {
  return spawnSync(join(bin, 'node'), ['--version'], { stdio: 'ignore' }).status === 0;
}

/** A minimal Debian lacks two libraries that Node's own builds are linked with. */
async function installLibraries() {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const aptGet = (...words) => spawnSync('apt-get', [...words], { env, stdio: 'ignore' }).status === 0;
  const end = progress(`Installing ${LIBRARIES.join(' and ')}`);
  const install = () => aptGet('install', '--yes', '--no-install-recommends', ...LIBRARIES);
  const isDone = install() || (aptGet('update') && install());
  end();
  if (!isDone || !nodeRuns()) stop(10, 'Node 26 does not run here', `apt-get install ${LIBRARIES.join(' ')}`);
}

/** One line that shows that time passes; on a terminal it is rewritten in place. */
function progress(what) {
  const startedMs = Date.now();
  const seconds = () => Math.round((Date.now() - startedMs) / 1000);
  const isTerminal = process.stdout.isTTY === true;
  if (!isTerminal) process.stdout.write(`${what} …\n`);
  const timer = setInterval(() => isTerminal && process.stdout.write(`\r${what} … ${seconds()} s`), 200);
  return () => {
    clearInterval(timer);
    process.stdout.write(
      `${isTerminal ? '\r' : ''}${what}: ${seconds()} s\x1b[K\n`.replace('\x1b[K', isTerminal ? '\x1b[K' : ''),
    );
  };
}

/** Runs the script under the right Node, and ends as it ends. */
async function handOver() {
  const child = spawn(
    join(bin, 'node'),
    ['--disable-warning=ExperimentalWarning', join(top, `scripts/${name}.ts`), ...args],
    {
      env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH ?? ''}` },
      stdio: 'inherit',
    },
  );
  // A terminal sends Ctrl-C to both of us: the script cleans up, and we wait for it.
  process.on('SIGINT', () => {});
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  const [code, signal] = await new Promise((done) => {
    child.on('close', (...end) => done(end)).on('error', (error) => stop(10, error.message, 'rm -r node_modules'));
  });
  process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
}

function stop(exitCode, message, hint) {
  process.stderr.write(`${message}\n${hint === undefined ? '' : `  → ${hint}\n`}`);
  process.exit(exitCode);
}
