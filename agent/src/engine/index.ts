export type {
  Engine,
  ExecIo,
  ExecRequest,
  Images,
  LogOptions,
  Observed,
  Recovery,
  ResolvedImage,
  Wanted,
} from './engine.ts';
