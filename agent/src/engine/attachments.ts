/** Callers who stay with a container's program: see what it prints, type to it, and hear how it ended. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig, ContainerSpec } from '@volt/shared/model';
import type { Driver, Watched } from './drivers/driver.ts';
import type { Attachments, ExecIo } from './engine.ts';
import type { Known } from './known.ts';
import type { Outcome, Watching } from './terminal/index.ts';

export interface AttachmentsOptions {
  readonly known: Known;
  readonly driver: Driver & Watched;
  /** Each in its lane. */
  readonly create: (spec: ContainerSpec, signal: AbortSignal) => Promise<unknown>;
  readonly start: (name: string, signal: AbortSignal) => Promise<unknown>;
  readonly remove: (name: string, signal: AbortSignal) => Promise<unknown>;
  /** Resolves with its exit code once it has ended. */
  readonly wait: (name: string, signal: AbortSignal) => Promise<number>;
}

export class ContainerAttachments implements Attachments {
  readonly #options: AttachmentsOptions;

  constructor(options: AttachmentsOptions) {
    this.#options = options;
  }

  async attach(name: string, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<number> {
    const { known, driver, wait } = this.#options;
    const config = known.existing(name);
    const { state } = await known.status(name);
    if (state !== 'running') {
      const hint = state === 'paused' ? `volt container resume ${name}` : `volt container start ${name}`;
      throw new VoltError('CONFLICT', `Container '${name}' is ${state}`, { hint });
    }
    if (!isWatchable(config.spec)) return this.#follow(name, io, signal);
    const outcome = await driver.watch(name, watching, io, signal);
    // Killed together with its console.
    return codeOf(outcome) ?? wait(name, signal);
  }

  async runAttached(spec: ContainerSpec, watching: Watching, io: ExecIo, signal: AbortSignal): Promise<number> {
    const { driver, create, start, remove } = this.#options;
    if (!isWatchable(spec)) {
      throw new VoltError('USAGE', 'There is nothing to attach to without a terminal or open input');
    }
    const { name } = spec;
    await create(spec, signal);
    await driver.expectWatcher(name);
    const over = new AbortController();
    const started = start(name, signal);
    // One that ends at once ends the start as a failure; what it printed and its exit code tell more.
    const failed = started.then(() => new Promise<never>(() => {}));
    const watched = driver.watch(name, watching, io, AbortSignal.any([signal, over.signal]));
    const outcome = await this.#firstOf(watched, failed, over);
    if (outcome === 'left') return 0;
    await started.catch(() => undefined);
    const code = codeOf(outcome) ?? (await this.#options.wait(name, signal));
    if (spec.rm === true) await remove(name, signal);
    return code;
  }

  /** How the watching ended, even where the start has failed, if somebody did watch. */
  async #firstOf(watched: Promise<Outcome>, failed: Promise<never>, over: AbortController): Promise<Outcome> {
    try {
      return await Promise.race([watched, failed]);
    } catch (thrown) {
      // The end of the program and the failure of its start come at the same time.
      const outcome = await Promise.race([watched.catch(() => undefined), soon()]);
      over.abort();
      if (outcome === undefined) throw thrown;
      return outcome;
    }
  }

  /** Without a console there is what it prints from here on, as lines. */
  async #follow(name: string, { emit, input }: ExecIo, signal: AbortSignal): Promise<number> {
    const { driver, known, wait } = this.#options;
    const over = new AbortController();
    const either = AbortSignal.any([signal, over.signal]);
    const config: ContainerConfig = known.existing(name);
    const show = async () => {
      const window = { follow: true, tail: 0, earlier: false };
      for await (const { text } of driver.logs(config, window, either)) {
        await emit({ stream: 'stdout', data: Buffer.from(`${text}\n`).toString('base64') });
      }
    };
    const shown = show();
    shown.catch(() => undefined);
    const left = leaves(input);
    left.catch(() => undefined);
    try {
      const code = await Promise.race([wait(name, either), left, shown.then(() => new Promise<never>(() => {}))]);
      // Its last lines are on their way.
      if (code !== 'left') await Promise.race([shown, soon()]);
      return code === 'left' ? 0 : code;
    } finally {
      over.abort();
    }
  }
}

const isWatchable = ({ tty, interactive }: ContainerSpec): boolean => tty === true || interactive === true;

const codeOf = (outcome: Outcome): number | undefined => {
  if (outcome === 'left') return 0;
  return outcome?.exitCode;
};

const SOON_MS = 300;

const soon = () => new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), SOON_MS));

async function leaves(input: ExecIo['input']): Promise<'left'> {
  for await (const frame of input) if (frame.kind === 'detach') return 'left';
  return new Promise<never>(() => {});
}
