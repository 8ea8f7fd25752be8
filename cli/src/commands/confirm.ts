import { VoltError } from '@volt/shared/errors';
import type { Session } from '../session/index.ts';

/** INTERRUPTED unless a person says yes. */
export async function confirm(question: string, { terminal }: Session): Promise<void> {
  if (!terminal.stdin.isTerminal) {
    throw new VoltError('USAGE', 'Nobody is here to be asked', { hint: 'add --yes, or look first with --dry-run' });
  }
  await terminal.stderr.write(`${question} [y/N] `);
  const stdin = terminal.stdin.stream();
  try {
    for await (const chunk of stdin) {
      if (/^y(?:es)?\s*$/i.test(String(chunk))) return;
      break;
    }
  } finally {
    stdin.destroy();
  }
  throw new VoltError('INTERRUPTED', 'Nothing was deleted');
}
