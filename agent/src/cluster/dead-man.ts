/**
 * Keeps the dead man's switch of this node set: who may run, and until when.
 * An exclusive instance is not started before the switch knows of it and runs.
 */
import type { Files, Systemd } from '../host/index.ts';
import {
  DEAD_MAN_SCRIPT_PATH,
  DEAD_MAN_UNIT,
  DEAD_MAN_UNIT_PATH,
  MARKS_PATH,
  renderDeadManScript,
  renderDeadManUnit,
  UNTIL_PATH,
} from './dead-man-unit.ts';
import { FENCE_SECONDS } from './node-lease.ts';

export interface DeadManPorts {
  readonly files: Pick<Files, 'read' | 'write' | 'list' | 'exists' | 'remove' | 'removeTree' | 'makeFolder'>;
  readonly systemd: Pick<Systemd, 'start' | 'stop' | 'refresh'>;
}

export interface DeadMan {
  /** A renewal that was acknowledged had been asked for at this moment, in milliseconds since the machine began. */
  renewed(askedAtMs: number): Promise<void>;
  /** This one is there already: the switch is set for it with the next renewal. Again changes nothing. */
  adopt(instance: string): void;
  /** Resolves once this container is ended with the lease, whatever becomes of the agent. */
  guard(instance: string, signal: AbortSignal): Promise<void>;
  /** That one is gone, or is not exclusive. Again changes nothing. */
  release(instance: string): Promise<void>;
  /** This node runs nothing for a cluster any more. */
  forget(): Promise<void>;
}

const JOB_TIMEOUT_MS = 20_000;
/** What is lost at a power loss, and is to be. */
const LOST = { mode: 0o644, durable: false } as const;

export const createDeadMan = (ports: DeadManPorts): DeadMan => new Switch(ports);

class Switch implements DeadMan {
  readonly #ports: DeadManPorts;
  readonly #guarded = new Set<string>();
  /** Those of them that the switch does not know of yet. */
  readonly #unmarked = new Set<string>();
  #untilMs = 0;
  #isSet = false;

  constructor(ports: DeadManPorts) {
    this.#ports = ports;
  }

  async renewed(askedAtMs: number): Promise<void> {
    this.#untilMs = askedAtMs + FENCE_SECONDS * 1000;
    if (this.#guarded.size === 0) return;
    await this.#tell();
    await this.#set(new AbortController().signal);
    for (const instance of this.#unmarked) await this.#mark(instance);
  }

  adopt(instance: string): void {
    if (this.#guarded.has(instance)) return;
    this.#guarded.add(instance);
    this.#unmarked.add(instance);
  }

  async guard(instance: string, signal: AbortSignal): Promise<void> {
    if (this.#guarded.has(instance) && !this.#unmarked.has(instance)) return;
    // Before the mark, or an old moment would end what is about to begin.
    await this.#tell();
    await this.#set(signal);
    await this.#mark(instance);
  }

  async release(instance: string): Promise<void> {
    this.#unmarked.delete(instance);
    this.#guarded.delete(instance);
    const { files } = this.#ports;
    if (await files.exists(`${MARKS_PATH}/${instance}`)) await files.remove(`${MARKS_PATH}/${instance}`);
  }

  async forget(): Promise<void> {
    const { files, systemd } = this.#ports;
    this.#guarded.clear();
    this.#unmarked.clear();
    this.#isSet = false;
    if (!(await files.exists(MARKS_PATH))) return;
    await systemd.stop(DEAD_MAN_UNIT, { signal: new AbortController().signal, timeoutMs: JOB_TIMEOUT_MS });
    await files.remove(DEAD_MAN_UNIT_PATH);
    await files.remove(UNTIL_PATH);
    await files.removeTree(MARKS_PATH);
  }

  async #tell(): Promise<void> {
    await this.#ports.files.write(UNTIL_PATH, `${Math.floor(this.#untilMs / 10)}\n`, LOST);
  }

  /** The program itself is kept up by systemd. */
  async #set(signal: AbortSignal): Promise<void> {
    if (this.#isSet) return;
    const { files, systemd } = this.#ports;
    await files.makeFolder(MARKS_PATH, { mode: 0o755 });
    // What an agent that was killed has left: another container may have the name meanwhile.
    const stale = (await files.list(MARKS_PATH)).filter((name) => !this.#guarded.has(name));
    for (const name of stale) await files.remove(`${MARKS_PATH}/${name}`);
    await this.#put(DEAD_MAN_SCRIPT_PATH, renderDeadManScript(), 0o755);
    await this.#put(DEAD_MAN_UNIT_PATH, renderDeadManUnit(), 0o644);
    await systemd.refresh(DEAD_MAN_UNIT);
    await systemd.start(DEAD_MAN_UNIT, { signal, timeoutMs: JOB_TIMEOUT_MS });
    this.#isSet = true;
  }

  async #put(path: string, text: string, mode: number): Promise<void> {
    const { files } = this.#ports;
    if ((await files.read(path)) !== text) await files.write(path, text, { mode });
  }

  async #mark(instance: string): Promise<void> {
    await this.#ports.files.write(`${MARKS_PATH}/${instance}`, '', LOST);
    this.#guarded.add(instance);
    this.#unmarked.delete(instance);
  }
}
