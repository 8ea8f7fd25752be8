export type {
  Containers,
  Controls,
  Engine,
  ExecIo,
  ExecRequest,
  Healths,
  Images,
  Inspected,
  LogOptions,
  Observed,
  ObservedRun,
  Recovery,
  ResolvedImage,
  Wanted,
} from './engine.ts';
export type { GivenKeeper } from './surroundings.ts';
export type { VolumeKeeper } from './storage.ts';
export { rings } from './rings.ts';
export { createEngine, type CreateEngineOptions } from './create-engine.ts';
