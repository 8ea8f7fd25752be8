/**
 * Speaks with the agent of QEMU that runs in the guest: one line of JSON for a
 * request, one for its answer, over the unix socket of a virtio-serial port.
 * https://www.qemu.org/docs/master/interop/qemu-ga-ref.html
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import type { Outcome } from '../lab/index.ts';

const ANSWER_MS_MAX = 30_000;
/** A guest without acceleration takes some 100 ms to start a program. */
const POLL_MS = 50;
/** An answer holds what a program wrote, in base64. */
const LINE_CHARS_MAX = 64 * 1024 * 1024;

const Answer = z.looseObject({
  return: z.unknown().optional(),
  error: z.looseObject({ desc: z.string() }).optional(),
});
const Started = z.object({ pid: z.int() });
const Status = z.looseObject({
  exited: z.boolean(),
  exitcode: z.int().optional(),
  signal: z.int().optional(),
  'out-data': z.base64().optional(),
  'err-data': z.base64().optional(),
});

/** One connection. Requests must not overlap. */
export class GuestAgent implements Disposable {
  readonly #socket: Socket;
  #received = '';

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding('utf8');
    // Seen by whoever waits for an answer.
    socket.on('error', () => {});
    socket.on('data', (text: string) => (this.#received += text));
  }

  /** Resolves once the guest answers. Before that it may not even have booted. */
  static async open(path: string, deadline: number): Promise<GuestAgent> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    const agent = new GuestAgent(socket);
    while (Date.now() < deadline) {
      if (await agent.#sync()) return agent;
    }
    agent[Symbol.dispose]();
    throw new VoltError('TIMEOUT', 'The guest does not answer');
  }

  /** Runs a program to its end. Rejects with TIMEOUT past the deadline; what runs then goes on running. */
  async exec(argv: readonly string[], options: { input?: string; deadline: number }): Promise<Outcome> {
    const [path, ...arg] = argv;
    const { pid } = Started.parse(
      await this.#call('guest-exec', {
        path,
        arg,
        'capture-output': true,
        ...(options.input !== undefined && { 'input-data': Buffer.from(options.input).toString('base64') }),
      }),
    );
    for (;;) {
      const status = Status.parse(await this.#call('guest-exec-status', { pid }));
      if (status.exited) return outcomeOf(status);
      if (Date.now() > options.deadline) throw new VoltError('TIMEOUT', `'${argv.join(' ')}' takes too long`);
      await pause(POLL_MS);
    }
  }

  [Symbol.dispose](): void {
    this.#socket.destroy();
  }

  /** Skips whatever an earlier connection left unread. */
  async #sync(): Promise<boolean> {
    const id = randomInt(2 ** 31);
    try {
      return (await this.#call('guest-sync', { id }, 1000)) === id;
    } catch {
      return false;
    }
  }

  async #call(execute: string, args: object, timeoutMs = ANSWER_MS_MAX): Promise<unknown> {
    this.#received = '';
    this.#socket.write(`${JSON.stringify({ execute, arguments: args })}\n`);
    const answer = Answer.parse(JSON.parse(await this.#line(timeoutMs)));
    if (answer.error !== undefined) throw new VoltError('DEPENDENCY', `${execute}: ${answer.error.desc}`);
    return answer.return;
  }

  async #line(timeoutMs: number): Promise<string> {
    const signal = AbortSignal.timeout(timeoutMs);
    for (;;) {
      const end = this.#received.indexOf('\n');
      if (end >= 0) return this.#received.slice(0, end);
      if (this.#received.length > LINE_CHARS_MAX) throw new VoltError('RESOURCE', 'The guest answers without end');
      if (this.#socket.destroyed) throw new VoltError('NETWORK', 'The guest is gone');
      await once(this.#socket, 'data', { signal }).catch((cause: unknown) => {
        throw new VoltError('TIMEOUT', 'The guest does not answer', { cause });
      });
    }
  }
}

const outcomeOf = (status: z.output<typeof Status>): Outcome => ({
  code: status.exitcode ?? 128 + (status.signal ?? 0),
  stdout: Buffer.from(status['out-data'] ?? '', 'base64').toString(),
  stderr: Buffer.from(status['err-data'] ?? '', 'base64').toString(),
});
