/** The CLI of this process: its terminal, its signals, its exit code. */
import { connect } from '@volt/shared/client';
import * as z from 'zod';
import { FromSystemd } from './offline/index.ts';
import { run } from './run/index.ts';
import { processTerminal, readerGone } from './terminal/index.ts';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

// What nearly every command needs is imported above, where the build can keep it compiled;
// help, YAML, systemd and completion are loaded by whoever needs them.
export async function main(argv: readonly string[]): Promise<number> {
  // A schema checks once here, and compiling it for that takes longer than to walk through it.
  z.config({ jitless: true });
  const cancelled = new AbortController();
  const terminal = processTerminal(() => cancelled.abort(readerGone));
  // The first Ctrl-C cancels. Nobody listens for the second, so it ends the process as it would any other.
  const cancel = () => cancelled.abort();
  for (const signal of signals) process.once(signal, cancel);
  try {
    const ports = { terminal, connect, offline: new FromSystemd(), now: () => new Date(), signal: cancelled.signal };
    return await run(argv, ports);
  } finally {
    for (const signal of signals) process.off(signal, cancel);
  }
}
