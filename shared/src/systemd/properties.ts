/** Changing units that run, without their files. */
import dbus from 'dbus-next';
import { systemdCall, type SystemBus } from './bus.ts';

/** As systemd's bus knows it. */
export interface UnitProperty {
  readonly name: string;
  readonly signature: 't' | 'ay' | 'a(st)';
  readonly value: unknown;
}

/** All of them or none, until the machine starts again. */
export async function setUnitProperties(
  bus: SystemBus,
  unit: string,
  properties: readonly UnitProperty[],
): Promise<void> {
  const values = properties.map(({ name, signature, value }) => [
    name,
    new dbus.Variant(signature, value instanceof Uint8Array ? Buffer.from(value) : value),
  ]);
  await bus.call(systemdCall('SetUnitProperties', 'sba(sv)', unit, true, values));
}
