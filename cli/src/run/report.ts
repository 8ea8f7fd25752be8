import { inspect } from 'node:util';
import { exitCode, VoltError, toVoltError } from '@volt/shared/errors';
import { isDebug } from '../settings/index.ts';
import type { Terminal } from '../terminal/index.ts';

/** The only place where errors are printed. Resolves with the exit code. */
export async function report(thrown: unknown, { stderr, env }: Terminal): Promise<number> {
  const error = toVoltError(thrown);
  await stderr.write(`error: ${error.message}\n`);
  const hint = error.hint ?? (error.code === 'GENERAL' ? 'VOLT_DEBUG=true shows more' : undefined);
  if (hint !== undefined) await stderr.write(`hint: ${hint}\n`);
  if (isDebug(env)) await stderr.write(`${trace(error)}\n`);
  return exitCode(error.code);
}

function trace(error: unknown): string {
  const lines: string[] = [];
  for (let cause: unknown = error; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    const code = cause instanceof VoltError ? `[${cause.code}] ` : '';
    lines.push(code + (cause instanceof Error ? (cause.stack ?? cause.message) : inspect(cause)));
  }
  return lines.join('\ncaused by: ');
}
