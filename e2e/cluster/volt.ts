/** The built `volt` on a lab node, as a person there would type it. */
import { VoltError } from '@volt/shared/errors';
import type { LabNode, Outcome } from '../lab/index.ts';

export interface VoltOptions {
  readonly input?: string | Uint8Array;
  readonly timeoutMs?: number;
  readonly env?: Record<string, string>;
}

const TIMEOUT_MS = 120_000;

/** Runs it and resolves whatever its exit code. */
export function volt(node: LabNode, args: readonly string[], options: VoltOptions = {}): Promise<Outcome> {
  return node.exec(['/usr/local/bin/volt', ...args], { timeoutMs: TIMEOUT_MS, ...options });
}

/** Runs it and resolves with what it printed; rejects, with its words, unless it succeeds. */
export async function voltText(node: LabNode, args: readonly string[], options: VoltOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await volt(node, args, options);
  if (code === 0) return stdout;
  throw new VoltError('DEPENDENCY', `On ${node.name}, 'volt ${args.join(' ')}' ended with ${code}: ${stderr.trim()}`);
}

/** Runs it with `-o json`, before what may be arguments of another program, and resolves with the result. */
export async function voltJson<T>(node: LabNode, args: readonly string[], options: VoltOptions = {}): Promise<T> {
  return JSON.parse(await voltText(node, ['-o', 'json', ...args], options)) as T;
}
