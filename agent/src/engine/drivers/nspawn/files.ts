/** Reaching a container's files with the helper that its programs go through as well: agent/enter/files.h. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';
import { containerUnit } from '@volt/shared/systemd';
import type { OpenProgram, Processes, Programs, Systemd } from '../../../host/index.ts';
import { capabilityMask, policyArguments } from '../../../security/index.ts';
import type { FileAccess } from '../../files/file-access.ts';
import { execArguments } from './exec.ts';
import { ownerOf } from './isolation.ts';
import type { Paths } from './paths.ts';

interface FilesHost {
  readonly systemd: Systemd;
  readonly processes: Processes;
  readonly programs: Programs;
}

const COPY_TIMEOUT_MS = 3_600_000;

/** Marks of an overlay are for the machine's root alone. */
const forMarks = capabilityMask(['dac_read_search', 'sys_admin']);
const forReading = capabilityMask(['dac_read_search']);

/** In the machine's own mounts, whatever the agent has, as a copy: who works in it keeps nothing mounted for others. */
const APART = ['/usr/bin/nsenter', '--mount=/proc/1/ns/mnt', '--', '/usr/bin/unshare', '--mount', '--'];

export class NspawnFiles implements FileAccess {
  readonly #host: FilesHost;
  readonly #paths: Paths;

  constructor(host: FilesHost, paths: Paths) {
    this.#host = host;
    this.#paths = paths;
  }

  async inside(config: ContainerConfig, verb: readonly string[]): Promise<OpenProgram> {
    const { systemd, processes } = this.#host;
    const { name } = config.spec;
    const [unit] = await systemd.list([containerUnit(name)]);
    const isUp = unit !== undefined && unit.activeState === 'active' && unit.mainPid !== null;
    const pid = isUp ? await processes.leaderOf(unit.mainPid) : undefined;
    if (pid === undefined) throw new VoltError('CONFLICT', `Container '${name}' is not running`);
    // What is in a frozen group stands still as well.
    const cgroups = unit?.isFrozen === true ? [] : await processes.cgroupsOf(pid);
    const asRoot = { ...config, user: '', workdir: '/' };
    const argv = execArguments(asRoot, { pid, cgroups }, { command: [...verb], tty: false }, this.#paths);
    return this.#open(withFiles(argv, verb.length));
  }

  atRest(config: ContainerConfig, lower: string, verb: readonly string[]): Promise<OpenProgram> {
    return this.#inRoot(config, lower, [...policyArguments(config.spec), '--files', '--', ...verb]);
  }

  whole(config: ContainerConfig, lower: string, verb: readonly string[]): Promise<OpenProgram> {
    const policy = ['--no-new-privileges', '--seccomp', `--keep=${forReading}`];
    return this.#inRoot(config, lower, [...policy, '--files', '--', ...verb]);
  }

  upper({ spec }: ContainerConfig, verb: readonly string[]): Promise<OpenProgram> {
    const root = `--root=${this.#paths.containers}/${spec.name}/upper`;
    const policy = ['--no-new-privileges', '--seccomp', `--keep=${forMarks}`, '--user=0:0', '--cwd=/'];
    return this.#open([this.#enter, root, ...policy, '--files', '--', ...verb]);
  }

  async copyUpper(from: ContainerConfig, to: ContainerConfig, signal: AbortSignal): Promise<void> {
    const names = [to.spec.name, from.spec.name];
    const owners = [ownerOf(from), ownerOf(to), from.userns.size].map(String);
    const argv = [...APART, this.#script, 'clone', ...names, ...owners];
    const { code, stderr } = await this.#host.programs.run(argv, { signal, timeoutMs: COPY_TIMEOUT_MS });
    if (code === 0) return;
    const isFull = /No space left|quota exceeded/.test(stderr);
    const why = stderr.trim().split('\n').at(-1) ?? '';
    throw new VoltError(isFull ? 'RESOURCE' : 'DEPENDENCY', `Could not copy the files of '${from.spec.name}': ${why}`);
  }

  async settle({ spec }: ContainerConfig, signal: AbortSignal): Promise<void> {
    const argv = ['/usr/bin/sync', '--file-system', `${this.#paths.containers}/${spec.name}`];
    const { code, stderr } = await this.#host.programs.run(argv, { signal, timeoutMs: COPY_TIMEOUT_MS });
    if (code !== 0) throw new VoltError('DEPENDENCY', `Could not write the files of '${spec.name}': ${stderr.trim()}`);
  }

  #inRoot(config: ContainerConfig, lower: string, rest: readonly string[]): Promise<OpenProgram> {
    const { name } = config.spec;
    const owner = ownerOf(config);
    const users = owner === 0 ? [] : [`--users=${owner}:${config.userns.size}`];
    const root = [`--root=${this.#paths.containers}/${name}/rootfs`, ...users, '--user=0:0', '--cwd=/'];
    const mounted = [this.#script, 'files', name, lower, String(owner), String(config.userns.size)];
    return this.#open([...APART, ...mounted, this.#enter, ...root, ...rest]);
  }

  #open(argv: readonly string[]): Promise<OpenProgram> {
    return this.#host.programs.open(argv, {});
  }

  get #enter(): string {
    return `${this.#paths.lib}/inside/enter`;
  }

  get #script(): string {
    return `${this.#paths.lib}/container`;
  }
}

/** The verb takes the place of a program. */
function withFiles(argv: readonly string[], verbWords: number): string[] {
  const end = argv.length - verbWords - 1;
  return [...argv.slice(0, end), '--files', ...argv.slice(end)];
}
