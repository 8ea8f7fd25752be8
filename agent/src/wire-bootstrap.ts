/** What making and joining a cluster asks of the machine, on the host's ports. */
import { hostname } from 'node:os';
import { VoltError } from '@volt/shared/errors';
import { permissionsFor } from '@volt/shared/kv';
import { realControllers, type BootstrapPorts } from './bootstrap/index.ts';
import type { Clock, Files, Journal, Programs, Systemd } from './host/index.ts';

export interface WireBootstrap {
  readonly files: Files;
  readonly programs: Programs;
  readonly systemd: Systemd;
  readonly journal: Journal;
  readonly clock: Clock;
  /** The binary that the controller's unit starts. */
  readonly program: string;
}

const JOB_TIMEOUT_MS = 60_000;

export function bootstrapPorts(wire: WireBootstrap): BootstrapPorts {
  const { files, systemd, journal, clock, programs, program } = wire;
  const never = new AbortController().signal;
  return {
    files,
    units: {
      reload: () => systemctl(programs, ['daemon-reload']),
      enable: (unit) => systemctl(programs, ['enable', '--quiet', unit]),
      disable: (unit) => systemctl(programs, ['disable', '--quiet', unit]),
      start: (unit, signal) => systemd.start(unit, { signal, timeoutMs: JOB_TIMEOUT_MS }),
      stop: (unit) => systemd.stop(unit, { signal: never, timeoutMs: JOB_TIMEOUT_MS }),
      isRunning: async (unit) => (await systemd.list([unit]))[0]?.activeState === 'active',
      lastLines: async (unit, count) => {
        const lines: string[] = [];
        for await (const line of journal.read({ unit, follow: false, tail: count }, never)) lines.push(line.text);
        return lines;
      },
    },
    controllers: realControllers,
    hostName: hostname,
    now: () => new Date(),
    sleep: async (ms, signal) => {
      await clock.sleep(ms, signal);
      signal.throwIfAborted();
    },
    permissionsFor,
    program,
  };
}

async function systemctl(programs: Programs, args: readonly string[]): Promise<void> {
  const { code, stderr } = await programs.run(['systemctl', ...args], { signal: new AbortController().signal });
  if (code === 0) return;
  throw new VoltError('DEPENDENCY', `'systemctl ${args.join(' ')}' ended with ${code}: ${stderr.trim()}`);
}
