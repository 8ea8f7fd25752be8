/** One check of one container, by whichever way it asks for. */
import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { toVoltError, VoltError } from '@volt/shared/errors';
import { HEALTH_OUTPUT_CHARS_MAX, type ContainerConfig, type HealthCheck } from '@volt/shared/model';
import type { Engine } from '../engine/index.ts';

/** How a program is run inside, with the container's own policy. */
export type Exec = Engine['exec'];

export interface Answer {
  readonly isHealthy: boolean;
  readonly output: string;
}

/** Resolves also when the container does not answer or the time is over; rejects only when the signal fires. */
export async function probe(
  config: ContainerConfig,
  { probe: how, timeoutMs }: HealthCheck,
  exec: Exec,
  signal: AbortSignal,
): Promise<Answer> {
  const late = AbortSignal.timeout(timeoutMs);
  const either = AbortSignal.any([signal, late]);
  const output = new Tail();
  try {
    switch (how.kind) {
      case 'exec':
        return await byProgram(config.spec.name, how.command, { exec, output }, either);
      case 'http':
        return await byHttp(config.network.address, how, output, either);
      case 'tcp':
        return await byTcp(config.network.address, how.port, either);
    }
  } catch (thrown) {
    signal.throwIfAborted();
    const why = late.aborted ? `took longer than ${timeoutMs / 1000} s` : whyOf(thrown);
    return { isHealthy: false, output: [output.text, why].filter(Boolean).join('\n') };
  }
}

async function byProgram(
  name: string,
  command: readonly string[],
  { exec, output }: { exec: Exec; output: Tail },
  signal: AbortSignal,
): Promise<Answer> {
  const request = { command, env: {}, tty: false, stdin: false, columns: 80, rows: 24 };
  const emit = async ({ data }: { data: string }) => output.add(Buffer.from(data, 'base64').toString('utf8'));
  const running = exec(name, request, { input: nothing(), emit }, signal);
  // What got away from a program that was killed may keep its output open: that is nobody's to wait for.
  const code = await Promise.race([running, whenAborted(signal)]);
  const said = output.text.trimEnd();
  return { isHealthy: code === 0, output: code === 0 ? said : [said, `exit code ${code}`].filter(Boolean).join('\n') };
}

function whenAborted(signal: AbortSignal): Promise<never> {
  const { promise, reject } = Promise.withResolvers<never>();
  // The reason is an error of the platform: it was aborted, or the time is over.
  const stop = () => reject(signal.reason as Error);
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  // Nobody hears it where the program was quicker.
  promise.catch(() => undefined);
  return promise;
}

/** Without a redirect being followed: that is an answer, too. */
async function byHttp(
  host: string,
  { port, path }: { port: number; path: string },
  output: Tail,
  signal: AbortSignal,
): Promise<Answer> {
  const asked = request({ host, port, path, agent: false, headers: { 'user-agent': 'volt-health' }, signal });
  try {
    asked.end();
    const [response] = (await once(asked, 'response', { signal })) as [IncomingMessage];
    const { statusCode: status = 0 } = response;
    output.add(`HTTP ${status}\n`);
    for await (const chunk of response.setEncoding('utf8')) {
      output.add(String(chunk));
      if (output.length >= HEALTH_OUTPUT_CHARS_MAX) break;
    }
    return { isHealthy: status >= 200 && status < 400, output: output.text.trimEnd() };
  } finally {
    // What comes of it from here on has nobody to hear it.
    asked.on('error', () => {});
    asked.destroy();
  }
}

async function byTcp(host: string, port: number, signal: AbortSignal): Promise<Answer> {
  const socket = connect({ host, port, signal });
  try {
    await once(socket, 'connect', { signal });
    return { isHealthy: true, output: 'connected' };
  } finally {
    socket.on('error', () => {});
    socket.destroy();
  }
}

const reasons: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection closed',
  EHOSTUNREACH: 'no route to it',
  ENETUNREACH: 'no route to it',
};

/** Failures of sockets in plain words; a code that has none is one of what was said, such as bad HTTP. */
function whyOf(thrown: unknown): string {
  const code = (thrown as { code?: unknown } | null)?.code;
  if (thrown instanceof VoltError || typeof code !== 'string') return toVoltError(thrown).message;
  return reasons[code] ?? `no proper answer (${code})`;
}

/** The end of what was said: programs name their trouble last. */
class Tail {
  text = '';
  length = 0;

  add(more: string): void {
    this.length += more.length;
    this.text = (this.text + more).slice(-HEALTH_OUTPUT_CHARS_MAX);
  }
}

async function* nothing(): AsyncGenerator<never> {}
