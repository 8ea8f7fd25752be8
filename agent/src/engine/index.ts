export type {
  Containers,
  Controls,
  Engine,
  ExecIo,
  ExecRequest,
  Images,
  Inspected,
  LogOptions,
  Observed,
  Recovery,
  ResolvedImage,
  Wanted,
} from './engine.ts';
export { createEngine, type CreateEngineOptions } from './create-engine.ts';
