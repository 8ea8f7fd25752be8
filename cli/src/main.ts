/** The CLI of this process: its terminal, its signals, its exit code. */
import { processTerminal } from './terminal/index.ts';

export async function main(argv: readonly string[]): Promise<number> {
  const cancelled = new AbortController();
  let isReaderGone = false;
  const terminal = processTerminal(() => {
    isReaderGone = true;
    cancelled.abort();
  });
  // The first Ctrl-C cancels. Nobody listens for the second, so it ends the process as it would any other.
  const interrupt = () => cancelled.abort();
  for (const signal of signals) process.once(signal, interrupt);

  // Loaded while the lines above have already made Ctrl-C polite.
  const [{ run }, { connect }, { FromSystemd }] = await Promise.all([
    import('./run/index.ts'),
    import('@volt/shared/client'),
    import('./offline/index.ts'),
  ]);
  try {
    const ports = { terminal, connect, offline: new FromSystemd(), now: () => new Date(), signal: cancelled.signal };
    const code = await run(argv, ports);
    // Whoever read our output has had enough (`volt logs web | head`): that is no failure.
    return isReaderGone ? 0 : code;
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
  }
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
