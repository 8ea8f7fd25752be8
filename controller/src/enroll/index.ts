export { createEnroll, type Enroll, type EnrollAnswer, type EnrollRequest } from './enroll.ts';
export { membersOnKv, revokedOnKv, tokensOnKv, tracesOnKv, turnsOnKv } from './on-kv.ts';
export type { EnrollPorts, Members, RemovalPorts, RevokedKey, TokenStore, TurnStore } from './ports.ts';
export {
  createServerKeeper,
  type ServerFiles,
  type ServerKeeper,
  type ServerPorts,
  type ServerUnits,
} from './servers.ts';
export { TOKENS_MAX, type TokenRequest } from './tokens.ts';
