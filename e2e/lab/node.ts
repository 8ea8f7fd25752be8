/**
 * One node of the lab: a Debian machine with systemd as its first process.
 * Nothing about it is held in memory, so any process may drive any node.
 */
import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import { Cgroup, type CgroupMounts } from './cgroup.ts';
import { plugIn, setPort, unplug } from './network.ts';
import {
  bootCommand,
  bootEnv,
  hostDevices,
  machineName,
  createNode,
  nodeFiles,
  nodeFolders,
  type NodeFolders,
} from './node-image.ts';
import { lastLines, run, spawnDetached, type Outcome, type RunOptions } from './process.ts';
import { nodeAddress, nodeName, type LabPaths } from './settings.ts';

const BOOT_MS_MAX = 60_000;
/** systemd gives a unit 90 s to stop. */
const POWER_OFF_MS_MAX = 110_000;
const POLL_MS = 25;

const SIGRTMIN = 34;
const START_POWEROFF = SIGRTMIN + 4;

const NODE_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export interface ExecOptions {
  readonly input?: string | Uint8Array | undefined;
  /** Added to PATH, HOME and LANG, which is all a command finds otherwise. */
  readonly env?: Record<string, string> | undefined;
  readonly timeoutMs?: number | undefined;
}

export interface NodeSettings {
  readonly lab: string;
  readonly index: number;
  readonly paths: LabPaths;
  readonly cgroups: CgroupMounts;
  readonly base: string;
}

export class LabNode {
  readonly name: string;
  readonly index: number;
  readonly address: string;
  readonly folders: NodeFolders;
  readonly #settings: NodeSettings;
  readonly #cgroup: Cgroup;

  constructor(settings: NodeSettings) {
    this.#settings = settings;
    this.index = settings.index;
    this.name = nodeName(settings.index);
    this.address = nodeAddress(settings.index);
    this.folders = nodeFolders(settings.paths.lab, settings.index);
    this.#cgroup = new Cgroup(settings.cgroups, `${settings.lab}.lab/${this.name}`);
  }

  /** True while the node's first process lives, booting and shutting down included. */
  async isUp(): Promise<boolean> {
    return (await this.#leader()) !== undefined;
  }

  /**
   * Resolves once systemd has started everything. A node that is up already is
   * left as it is. What was on its disk is there again; /run and the network
   * are fresh.
   */
  async boot(): Promise<void> {
    if (await this.isUp()) return this.#untilBooted(undefined);
    // A supervisor without its node, left by a boot that was cut short.
    await this.powerLoss();

    const { lab, index, paths, base } = this.#settings;
    await plugIn(lab, index);
    await this.#cgroup.create();
    if (!existsSync(this.folders.home)) await createNode(this.folders.home, nodeFiles(lab, index));
    const argv = bootCommand({
      lab,
      index,
      base,
      bin: paths.bin,
      folders: this.folders,
      cgroupFolders: this.#cgroup.folders,
      devices: hostDevices(),
    });
    await this.#untilBooted(spawnDetached(argv, { env: bootEnv, log: this.folders.console }));
  }

  /**
   * Shuts down in order, as the power button does. Succeeds if the node is
   * down. A node that turns itself off or reboots itself stays down until `boot`.
   */
  async powerOff(): Promise<void> {
    const leader = await this.#leader();
    if (leader !== undefined) process.kill(leader, START_POWEROFF);
    await this.#cgroup.untilEmpty(POWER_OFF_MS_MAX);
    await this.#clearAway();
  }

  async reboot(): Promise<void> {
    await this.powerOff();
    await this.boot();
  }

  /** Everything that runs on the node ends in one instant, and its cable is gone. Its disk keeps what was written. */
  async powerLoss(): Promise<void> {
    await this.#cgroup.kill();
    await this.#clearAway();
  }

  /** Cuts the node off from the network. It goes on running. Ends with `heal`, or with the node's life. */
  partition(): Promise<void> {
    return setPort(this.#settings.lab, this.index, 'down');
  }

  heal(): Promise<void> {
    return setPort(this.#settings.lab, this.index, 'up');
  }

  /**
   * Runs a command as root on the node, outside of all its units. Resolves
   * with the exit code; rejects with TIMEOUT, and ends the command and what it
   * started, when the deadline passes.
   */
  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<Outcome> {
    const entry = await this.#enter(argv, options.env);
    const runOptions: RunOptions = {
      input: options.input,
      env: entry.env,
      timeoutMs: options.timeoutMs,
      label: `${argv.join(' ')} (on ${this.name})`,
      kill: () => void entry.cgroup.kill(),
    };
    try {
      return await run(entry.argv, runOptions);
    } finally {
      await entry.leave();
    }
  }

  /** Runs a command as a transient unit: slower (0.1 s), for what must look like a service to systemd. */
  execAsUnit(argv: readonly string[], options: ExecOptions = {}): Promise<Outcome> {
    return this.exec(['systemd-run', '--quiet', '--wait', '--pipe', '--collect', '--', ...argv], options);
  }

  /** Runs a bash script and resolves with what it prints; rejects unless it succeeds. For tests. */
  async sh(script: string, options: ExecOptions = {}): Promise<string> {
    const outcome = await this.exec(['bash', '-euo', 'pipefail', '-c', script], options);
    if (outcome.code === 0) return outcome.stdout;
    throw new VoltError(
      'DEPENDENCY',
      `On ${this.name} a script exited with ${outcome.code}: ${lastLines(outcome.stderr.trim(), 30)}`,
      { hint: script },
    );
  }

  /** Starts a command and hands over its streams, for following output or a terminal. */
  async spawn(argv: readonly string[], options: { env?: Record<string, string>; stdio?: StdioOptions } = {}) {
    const entry = await this.#enter(argv, options.env);
    const [program = '', ...args] = entry.argv;
    const child: ChildProcess = spawn(program, args, { env: entry.env, stdio: options.stdio ?? 'pipe' });
    child.once('close', () => void entry.leave());
    return child;
  }

  /** Writes a file of the node; whoever reads it meanwhile sees the old content or the new. */
  async writeFile(target: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    const script =
      'mkdir -p "$(dirname "$1")" && cat > "$1.partial" && chmod "$2" "$1.partial" && mv "$1.partial" "$1"';
    const argv = ['/bin/sh', '-c', script, 'write-file', target, mode.toString(8)];
    const outcome = await this.exec(argv, { input: content });
    if (outcome.code === 0) return;
    throw new VoltError('DEPENDENCY', `Cannot write '${target}' on ${this.name}: ${outcome.stderr.trim()}`);
  }

  /** Copies a file of the host to the node. */
  async copyIn(path: string, target: string, mode = 0o644): Promise<void> {
    await this.writeFile(target, await readFile(path), mode);
  }

  /** The node's first process as the host numbers it: member of init.scope, and number 1 inside. */
  async #leader(): Promise<number | undefined> {
    for (const group of ['payload/init.scope', 'payload']) {
      for (const pid of await this.#cgroup.members(group)) {
        const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
        if (isFirstProcess(status)) return pid;
      }
    }
    return undefined;
  }

  async #enter(argv: readonly string[], env: Record<string, string> = {}) {
    const leader = await this.#leader();
    if (leader === undefined) {
      throw new VoltError('DEPENDENCY', `Node '${this.name}' is down`, { hint: `pnpm lab boot ${this.name}` });
    }
    const name = `payload/lab.exec/${randomUUID()}`;
    const group = new Cgroup({ unified: this.#cgroup.path, named: [] }, name);
    await group.create();
    return {
      argv: enterCommand(group.path, leader, argv),
      env: { PATH: NODE_PATH, HOME: '/root', LANG: 'C.UTF-8', ...env },
      cgroup: group,
      // What the command left running keeps its group until the node goes down.
      leave: () => rmdir(group.path).catch(() => {}),
    };
  }

  async #untilBooted(launched: ChildProcess | undefined): Promise<void> {
    const deadline = Date.now() + BOOT_MS_MAX;
    for (;;) {
      if (launched !== undefined && (launched.exitCode !== null || launched.signalCode !== null)) {
        throw await this.#bootError('ended while booting');
      }
      if (await this.isUp()) {
        const timeoutMs = Math.max(1, deadline - Date.now());
        const asked = await this.exec(['systemctl', 'is-system-running', '--wait'], { timeoutMs }).catch(
          () => undefined,
        );
        if (/^(running|degraded)$/m.test(asked?.stdout ?? '')) return;
      }
      if (Date.now() > deadline) throw await this.#bootError(`did not boot within ${BOOT_MS_MAX} ms`);
      await pause(POLL_MS);
    }
  }

  async #bootError(what: string): Promise<VoltError> {
    const said = await readFile(this.folders.console, 'utf8').catch(() => '');
    return new VoltError('DEPENDENCY', `Node '${this.name}' ${what}:\n${lastLines(said.trim(), 15)}`, {
      hint: `See ${this.folders.console}`,
    });
  }

  /** Removes what a life of the node leaves on the host. Only for a node without processes. */
  async #clearAway(): Promise<void> {
    const { lab, index } = this.#settings;
    await unplug(lab, index);
    await this.#cgroup.remove();
    const machine = machineName(lab, index);
    for (const kind of ['propagate', 'unix-export']) {
      await rm(join('/run/systemd/nspawn', kind, machine), { recursive: true, force: true });
    }
  }
}

/** NSpid lists the number in each namespace from the host's inwards; the node's own is one below ours. */
export function isFirstProcess(status: string): boolean {
  const numbers = /^NSpid:\s+(.+)$/m.exec(status)?.[1]?.split(/\s+/) ?? [];
  return numbers.length >= 2 && numbers.at(-1) === '1';
}

/** Joins the group first: what starts afterwards is in it from its first instruction. */
export function enterCommand(cgroup: string, leader: number, argv: readonly string[]): string[] {
  const script = 'echo 0 > "$1/cgroup.procs" && shift && exec /usr/bin/nsenter "$@"';
  return ['/bin/sh', '-c', script, 'lab-exec', cgroup, `--target=${leader}`, '--all', '--', ...argv];
}
