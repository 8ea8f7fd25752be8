/**
 * What explains a failed scenario, gathered in one folder: for each node its
 * journal, Volt's own files and logs, failed units and the network. A node
 * that is down is read from its disk.
 */
import { cp, mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { LabNode } from './node.ts';
import { run } from './process.ts';

/** One more thing to ask each node; its output goes to `file`. */
export interface EvidenceCommand {
  readonly file: string;
  readonly argv: readonly string[];
}

const FILE_BYTES_MAX = 1024 * 1024;
const LOG_BYTES_MAX = 64 * 1024 * 1024;
const FILES_MAX = 500;
const DEPTH_MAX = 4;
const JOURNAL_LINES_MAX = 50_000;
const COMMAND_MS_MAX = 20_000;

const standardCommands: readonly EvidenceCommand[] = [
  { file: 'failed-units.txt', argv: ['systemctl', 'list-units', '--failed', '--no-pager'] },
  { file: 'volt-units.txt', argv: ['systemctl', 'list-units', '--all', '--no-pager', 'volt*'] },
  { file: 'addresses.txt', argv: ['ip', 'addr'] },
  { file: 'routes.txt', argv: ['ip', 'route'] },
  { file: 'namespaces.txt', argv: ['ip', 'netns'] },
  { file: 'firewall.txt', argv: ['nft', 'list', 'ruleset'] },
  { file: 'mounts.txt', argv: ['findmnt', '--real'] },
  { file: 'processes.txt', argv: ['ps', '-eo', 'pid,ppid,stat,lstart,cgroup,args'] },
];

/** Never rejects for what one node cannot tell: what is missing is said in the file. */
export async function collectEvidence(nodes: readonly LabNode[], dir: string, extra: readonly EvidenceCommand[]) {
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await Promise.all(nodes.map((node) => collectNode(node, join(dir, node.name), extra)));
}

async function collectNode(node: LabNode, dir: string, extra: readonly EvidenceCommand[]): Promise<void> {
  await mkdir(dir, { recursive: true });
  await cp(node.folders.console, join(dir, 'console.log')).catch(() => {});
  await copySettings(node.folders.volt, join(dir, 'var-lib-volt'));
  await copyLogs(join(node.folders.upper, 'var/log/volt'), join(dir, 'var-log-volt'));

  const isUp = await node.isUp();
  await writeFile(join(dir, 'journal.txt'), await readJournal(node, isUp));
  if (!isUp) {
    await writeFile(join(dir, 'down.txt'), 'The node is down.\n');
    return;
  }
  for (const { file, argv } of [...standardCommands, ...extra]) {
    const outcome = await node.exec(argv, { timeoutMs: COMMAND_MS_MAX }).catch((error: unknown) => {
      return { code: -1, stdout: '', stderr: String(error) };
    });
    const end = outcome.code === 0 ? '' : `\n[exit code ${outcome.code}]\n${outcome.stderr}`;
    await writeFile(join(dir, file), `$ ${argv.join(' ')}\n${outcome.stdout}${end}`);
  }
}

/** All boots, since what went wrong before a power loss is in an earlier one. */
async function readJournal(node: LabNode, isUp: boolean): Promise<string> {
  const argv = ['journalctl', '--no-pager', '--output=short-precise', `--lines=${JOURNAL_LINES_MAX}`];
  const options = { timeoutMs: COMMAND_MS_MAX };
  const onDisk = join(node.folders.upper, 'var/log/journal');
  const asked = isUp ? node.exec(argv, options) : run([...argv, `--directory=${onDisk}`], options);
  return asked.then(
    (outcome) => outcome.stdout + outcome.stderr,
    (error: unknown) => `${String(error)}\n`,
  );
}

const isSettings = (name: string): boolean => /\.(json|yaml|yml|conf|service|socket|timer)$/.test(name);
/** Trees of user data: large, and no ledger in them. */
const skipped = new Set(['rootfs', 'upper', 'work', 'objects', 'cas', 'images', 'lower', 'jetstream', 'tls', 'keys']);

async function copySettings(from: string, to: string): Promise<void> {
  const found = await findFiles(from, DEPTH_MAX);
  for (const path of found.slice(0, FILES_MAX)) {
    await cp(path, join(to, relative(from, path))).catch(() => {});
  }
}

async function findFiles(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const found: string[] = [];
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && depth > 0 && !skipped.has(entry.name)) found.push(...(await findFiles(path, depth - 1)));
    if (entry.isFile() && isSettings(entry.name) && (await stat(path)).size <= FILE_BYTES_MAX) found.push(path);
  }
  return found;
}

async function copyLogs(from: string, to: string): Promise<void> {
  for (const name of await readdir(from).catch(() => [])) {
    const found = await stat(join(from, name));
    if (found.isFile() && found.size <= LOG_BYTES_MAX) await cp(join(from, name), join(to, name));
  }
}
