/** Reading units: what systemd says at this moment, never what it said before. */
import type { Variant } from 'dbus-next';
import { toVoltError } from '../errors/index.ts';
import { systemdCall, type SystemBus } from './bus.ts';

/** What systemd says of one loaded unit, in its own words. */
export interface Unit {
  readonly name: string;
  readonly description: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  /** `success`, or the kind of failure of the last run. */
  readonly result: string;
  readonly mainPid: number | null;
  /** Of the last run that ended; 128 + n when signal n ended it; null when none has. */
  readonly exitCode: number | null;
  /** When the main process last began, in milliseconds of Unix time. */
  readonly startedAtMs: number | null;
  /** How often systemd has started it again by itself since somebody started it. */
  readonly restarts: number;
  /** Its processes are held still. */
  readonly isFrozen: boolean;
}

/** More units than one node can run; a longer list is cut there. */
export const UNITS_MAX = 10_000;

const UNIT = 'org.freedesktop.systemd1.Unit';
const SERVICE = 'org.freedesktop.systemd1.Service';

type UnitRow = readonly [string, string, string, string, string, string, string, number, string, string];

/** Every loaded service unit whose name matches one of the globs, by name. */
export async function listUnits(bus: SystemBus, patterns: readonly string[]): Promise<Unit[]> {
  const [rows] = await bus.call(systemdCall('ListUnitsByPatterns', 'asas', [], patterns));
  const services = (rows as UnitRow[]).filter(([name]) => name.endsWith('.service')).slice(0, UNITS_MAX);
  const units = await Promise.all(services.map((row) => readUnit(bus, row)));
  return units.filter((unit) => unit !== undefined).sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Names and enablement of unit files on disk, loaded or not. */
export async function listUnitFiles(
  bus: SystemBus,
  patterns: readonly string[],
): Promise<{ name: string; enabled: boolean }[]> {
  const [rows] = await bus.call(systemdCall('ListUnitFilesByPatterns', 'asas', [], patterns));
  return (rows as [string, string][])
    .slice(0, UNITS_MAX)
    .map(([path, state]) => ({ name: path.slice(path.lastIndexOf('/') + 1), enabled: state === 'enabled' }));
}

/** Such as `257.13-1~deb13u1`. */
export async function systemdVersion(bus: SystemBus): Promise<string> {
  const [value] = await bus.call({
    destination: 'org.freedesktop.systemd1',
    path: '/org/freedesktop/systemd1',
    interface: 'org.freedesktop.DBus.Properties',
    member: 'Get',
    signature: 'ss',
    body: ['org.freedesktop.systemd1.Manager', 'Version'],
  });
  return String((value as Variant).value);
}

async function readUnit(bus: SystemBus, row: UnitRow): Promise<Unit | undefined> {
  const [name, description, loadState, activeState, subState, , path] = row;
  const get = async (property: string, of = SERVICE) => {
    const [value] = await bus.call({
      destination: 'org.freedesktop.systemd1',
      path,
      interface: 'org.freedesktop.DBus.Properties',
      member: 'Get',
      signature: 'ss',
      body: [of, property],
    });
    return (value as Variant).value as unknown;
  };
  try {
    const [result, mainPid, code, status, started, restarts, freezer] = await Promise.all([
      get('Result') as Promise<string>,
      get('MainPID') as Promise<number>,
      get('ExecMainCode') as Promise<number>,
      get('ExecMainStatus') as Promise<number>,
      get('ExecMainStartTimestamp') as Promise<bigint>,
      get('NRestarts') as Promise<number>,
      activeState === 'active' ? get('FreezerState', UNIT) : 'running',
    ]);
    return {
      name,
      description,
      loadState,
      activeState,
      subState,
      result,
      mainPid: mainPid === 0 ? null : mainPid,
      exitCode: exitCodeOf(code, status),
      startedAtMs: started === 0n ? null : Number(started / 1000n),
      restarts,
      isFrozen: freezer !== 'running',
    };
  } catch (thrown) {
    // The unit was unloaded between the list and the question. Anything else must not look like that:
    // what runs would seem not to.
    if (toVoltError(thrown).code === 'NOT_FOUND') return undefined;
    throw thrown;
  }
}

const CLD_EXITED = 1;

/** `code` is 0 before the first end; else siginfo's CLD_EXITED, CLD_KILLED or CLD_DUMPED. */
export function exitCodeOf(code: number, status: number): number | null {
  if (code === 0) return null;
  return code === CLD_EXITED ? status : 128 + status;
}
