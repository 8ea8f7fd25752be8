/** Waiting until what was started answers, and saying why it does not. */
import { VoltError } from '@volt/shared/errors';
import type { BootstrapPorts } from './ports.ts';
import type { UnitFile } from './units.ts';

/** NATS elects within 10 s, the controller then makes its buckets; measured on an idle machine it takes 3 s in all. */
const READY_TIMEOUT_MS = 90_000;
const POLL_MS = 250;
/** A unit that was seen down this often in a row keeps ending at once. */
const DOWN_MAX = 8;
const JOURNAL_LINES = 8;

/** Asks until there is an answer. DEPENDENCY with the last journal lines when a unit keeps ending, or time runs out. */
export async function untilReady<T>(
  { units, sleep, now }: BootstrapPorts,
  made: readonly UnitFile[],
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
): Promise<T> {
  const deadline = now().getTime() + READY_TIMEOUT_MS;
  const down = new Map<string, number>();
  let last: unknown;
  while (now().getTime() < deadline) {
    signal.throwIfAborted();
    try {
      return await ask(signal);
    } catch (thrown) {
      if (!isWorthWaiting(thrown)) throw thrown;
      last = thrown;
    }
    for (const { name } of made) {
      const count = (await units.isRunning(name)) ? 0 : (down.get(name) ?? 0) + 1;
      if (count >= DOWN_MAX) throw await explained(units, name, last);
      down.set(name, count);
    }
    await sleep(POLL_MS, signal);
  }
  throw await explained(units, made.at(-1)?.name ?? 'volt-controller.service', last);
}

/** A controller that starts refuses connections, then has no leader, then is late. */
function isWorthWaiting(thrown: unknown): boolean {
  const codes = ['NETWORK', 'TIMEOUT', 'DAEMON', 'DEPENDENCY', 'CONFLICT'];
  return thrown instanceof VoltError && codes.includes(thrown.code);
}

/** An error with what the unit printed last, since that is where the reason is. */
export async function explained(units: BootstrapPorts['units'], unit: string, cause: unknown): Promise<VoltError> {
  const lines = await units.lastLines(unit, JOURNAL_LINES);
  const said = lines.length === 0 ? 'it printed nothing' : lines.join('\n  ');
  return new VoltError('DEPENDENCY', `'${unit}' does not work; its last lines:\n  ${said}`, {
    hint: `journalctl -u ${unit}`,
    cause,
  });
}
