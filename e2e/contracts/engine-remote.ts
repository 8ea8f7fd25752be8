/** The agent's ports on a lab node, as seen from the test: each call goes to engine-on-node.ts and back. */
import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { VoltError, type ErrorCode } from '@volt/shared/errors';
import { Doorbell } from '../../agent/src/host/index.ts';
import type { LowerWay } from '../../agent/src/store/index.ts';

export type Order =
  | { readonly id: number; readonly target: string; readonly method: string; readonly parameters: readonly unknown[] }
  | { readonly abort: number };

export type Answer =
  | { readonly id: number; readonly item: unknown }
  | { readonly id: number; readonly result: unknown }
  | {
      readonly id: number;
      readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint?: string | undefined };
    };

/** The store of the node, as far as containers care. */
export interface NodeLowers {
  /** Where the tree of this archive is, laid out in this way in place of any other. */
  make(archive: string, way: LowerWay): Promise<string>;
}

interface Call {
  readonly onItem: (item: unknown) => void;
  readonly done: PromiseWithResolvers<unknown>;
}

/** Methods that answer with many things instead of one. */
const ITERABLES = new Set(['changes', 'logs']);

export class Remote {
  readonly #child: ChildProcess;
  readonly #calls = new Map<number, Call>();
  #lastId = 0;

  constructor(child: ChildProcess) {
    this.#child = child;
    createInterface({ input: child.stdout! }).on('line', (line) => this.#hear(JSON.parse(line) as Answer));
    child.once('close', () => {
      for (const { done } of this.#calls.values()) done.reject(new VoltError('NETWORK', 'The node does not answer'));
    });
  }

  /** A port of the node. Signals and the two directions of an exec are carried; all else must be JSON. */
  port<T extends object>(target: string): T {
    return new Proxy({} as T, {
      get: (_target, method) => {
        // Awaiting a port must not look like calling it.
        if (typeof method !== 'string' || method === 'then') return undefined;
        return (...parameters: unknown[]) => {
          if (ITERABLES.has(method)) return this.#iterate(target, method, parameters);
          return this.#call(target, method, parameters, () => undefined);
        };
      },
    });
  }

  close(): void {
    this.#child.stdin!.end();
  }

  async #call(
    target: string,
    method: string,
    parameters: readonly unknown[],
    onItem: (item: unknown) => void,
  ): Promise<unknown> {
    const id = ++this.#lastId;
    const done = Promise.withResolvers<unknown>();
    const emits: Promise<void>[] = [];
    let hear = onItem;
    const stop = () => this.#send({ abort: id });
    const signals: AbortSignal[] = [];
    const carried = parameters.map((one) => {
      const { signal, jobOptions, emit } = specialOf(one);
      if (signal !== undefined) signals.push(signal);
      if (emit !== undefined) hear = (item) => void emits.push(emit(item));
      if (emit !== undefined) return '@io';
      return jobOptions ?? (signal === undefined ? one : '@signal');
    });
    for (const signal of signals) {
      signal.throwIfAborted();
      signal.addEventListener('abort', stop, { once: true });
    }
    this.#calls.set(id, { onItem: (item) => hear(item), done });
    this.#send({ id, target, method, parameters: carried });
    try {
      const result = await done.promise;
      await Promise.all(emits);
      return result;
    } finally {
      this.#calls.delete(id);
      for (const signal of signals) signal.removeEventListener('abort', stop);
    }
  }

  async *#iterate(target: string, method: string, parameters: readonly unknown[]): AsyncGenerator<unknown> {
    const items: unknown[] = [];
    const bell = new Doorbell();
    const over = new AbortController();
    const ended = this.#call(target, method, parameters, (item) => {
      items.push(item ?? undefined);
      bell.ring();
    }).finally(() => over.abort());
    // Whoever stops listening does not hear how it ended.
    ended.catch(() => undefined);
    for await (const _ of bell.wakes(over.signal)) yield* items.splice(0);
    await ended;
    yield* items;
  }

  #send(order: Order): void {
    this.#child.stdin!.write(`${JSON.stringify(order)}\n`);
  }

  #hear(answer: Answer): void {
    const call = this.#calls.get(answer.id);
    if (call === undefined) return;
    if ('item' in answer) call.onItem(answer.item);
    else if ('error' in answer) call.done.reject(new VoltError(answer.error.code, answer.error.message, answer.error));
    else call.done.resolve(answer.result);
  }
}

interface Special {
  readonly signal?: AbortSignal | undefined;
  readonly jobOptions?: unknown;
  readonly emit?: ((item: unknown) => Promise<void>) | undefined;
}

function specialOf(value: unknown): Special {
  if (value instanceof AbortSignal) return { signal: value };
  if (typeof value !== 'object' || value === null) return {};
  if ('emit' in value) return { emit: value.emit as (item: unknown) => Promise<void> };
  if ('signal' in value && value.signal instanceof AbortSignal) {
    return { signal: value.signal, jobOptions: { ...value, signal: '@signal' } };
  }
  return {};
}
