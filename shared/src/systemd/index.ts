export { jobError } from './bus-errors.ts';
export { systemdCall, SystemBus, type BusCall, type BusSignal } from './bus.ts';
export {
  CONTAINER_UNITS,
  containerOfUnit,
  containerState,
  containerUnit,
  failureOf,
  timesRestarted,
} from './container-state.ts';
export { containerJournal, type ContainerLogs } from './container-journal.ts';
export { journal, MARK_FIELD, type JournalLine, type JournalOptions, type JournalQuery } from './journal.ts';
export { setUnitProperties, type UnitProperty } from './properties.ts';
export { serviceStatuses } from './service-status.ts';
export { unitUsage, type UnitUsage } from './usage.ts';
export { listUnitFiles, listUnits, systemdVersion, type Unit } from './units.ts';
