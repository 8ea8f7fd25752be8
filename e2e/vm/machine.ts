/**
 * A Debian machine in QEMU, without acceleration: a kernel of its own, and a
 * disk whose unwritten pages are really lost when the power goes.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { eventually, lastLines, mustRun, type Outcome } from '../lab/index.ts';
import type { Boot } from './disk.ts';
import { GuestAgent } from './guest-agent.ts';

/** Ten seconds alone; several times that beside others. */
const BOOT_MS_MAX = 180_000;
const EXEC_MS_MAX = 120_000;

export interface MachineSettings {
  readonly name: string;
  /** A folder of its own, removed with it. Not too long: it holds a socket. */
  readonly home: string;
  readonly boot: Boot;
  /** A read-only disk mounted at /usr/local/bin. */
  readonly payload: string;
}

export class Machine implements AsyncDisposable {
  readonly name: string;
  readonly #settings: MachineSettings;
  #qemu: ChildProcess | undefined;
  #agent: GuestAgent | undefined;

  constructor(settings: MachineSettings) {
    this.#settings = settings;
    this.name = settings.name;
  }

  /** Resolves once commands can be run. What its disk held when it was last up is there again. */
  async boot(): Promise<void> {
    const { home, boot } = this.#settings;
    await mkdir(home, { recursive: true, mode: 0o700 });
    const disk = join(home, 'disk.qcow2');
    if (!existsSync(disk))
      await mustRun(['qemu-img', 'create', '-q', '-f', 'qcow2', '-b', boot.disk, '-F', 'raw', disk]);
    await rm(this.#socket, { force: true });

    const console = openSync(join(home, 'console.log'), 'w', 0o600);
    const [program = '', ...args] = this.#command(disk);
    this.#qemu = spawn(program, args, { stdio: ['ignore', console, console] });
    this.#qemu.on('error', () => {});
    closeSync(console);
    try {
      await eventually(() => existsSync(this.#socket), { what: 'QEMU starts' });
      this.#agent = await GuestAgent.open(this.#socket, Date.now() + BOOT_MS_MAX);
    } catch (cause) {
      const said = await readFile(join(home, 'console.log'), 'utf8').catch(() => '');
      throw new VoltError('DEPENDENCY', `Machine '${this.name}' does not boot:\n${lastLines(said.trim(), 15)}`, {
        cause,
      });
    }
  }

  /** Runs a command as root. Rejects with TIMEOUT past the deadline. */
  async exec(argv: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<Outcome> {
    if (this.#agent === undefined) throw new VoltError('DEPENDENCY', `Machine '${this.name}' is down`);
    const { timeoutMs = EXEC_MS_MAX, ...rest } = options;
    return this.#agent.exec(argv, { ...rest, deadline: Date.now() + timeoutMs });
  }

  /** Runs a bash script and resolves with what it prints; rejects unless it succeeds. */
  async sh(script: string, options: { input?: string; timeoutMs?: number } = {}): Promise<string> {
    const { code, stdout, stderr } = await this.exec(['/bin/bash', '-euo', 'pipefail', '-c', script], options);
    if (code === 0) return stdout;
    throw new VoltError('DEPENDENCY', `On ${this.name} a script exited with ${code}: ${lastLines(stderr.trim(), 30)}`, {
      hint: script,
    });
  }

  /** Everything ends in one instant. What the machine had not made durable is lost. */
  async powerLoss(): Promise<void> {
    this.#agent?.[Symbol.dispose]();
    this.#agent = undefined;
    const qemu = this.#qemu;
    this.#qemu = undefined;
    if (qemu === undefined || qemu.exitCode !== null || qemu.signalCode !== null) return;
    qemu.kill('SIGKILL');
    await once(qemu, 'exit');
  }

  /** Ends it and removes its disk. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.powerLoss();
    await rm(this.#settings.home, { recursive: true, force: true });
  }

  get #socket(): string {
    return join(this.#settings.home, 'agent.sock');
  }

  #command(disk: string): string[] {
    const { boot, payload } = this.#settings;
    const isArm = process.arch === 'arm64';
    return [
      isArm ? 'qemu-system-aarch64' : 'qemu-system-x86_64',
      ...['-M', isArm ? 'virt' : 'q35', '-accel', 'tcg,thread=multi', '-cpu', 'max', '-smp', '2', '-m', '1024'],
      ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio'],
      ...['-kernel', boot.kernel, '-initrd', boot.initrd, '-append', kernelOptions(isArm)],
      // What the guest flushes must survive QEMU, and nothing else has to: the machine under it stays up.
      ...[
        '-drive',
        `if=none,id=root,file=${disk},format=qcow2,cache=writeback`,
        '-device',
        'virtio-blk-pci,drive=root',
      ],
      ...['-drive', `if=none,id=bin,file=${payload},format=raw,readonly=on`, '-device', 'virtio-blk-pci,drive=bin'],
      ...['-device', 'virtio-serial-pci', '-chardev', `socket,id=ga,path=${this.#socket},server=on,wait=off`],
      ...['-device', 'virtserialport,chardev=ga,name=org.qemu.guest_agent.0', '-device', 'virtio-rng-pci'],
    ];
  }
}

function kernelOptions(isArm: boolean): string {
  return [
    'root=/dev/vda rw quiet net.ifnames=0 mitigations=off panic=-1',
    `console=${isArm ? 'ttyAMA0' : 'ttyS0'}`,
    'systemd.mount-extra=/dev/vdb:/usr/local/bin:ext4:ro',
  ].join(' ');
}
