import type { IncomingMessage } from 'node:http';
import type { Door, Handlers, MethodTable } from '../rpc/index.ts';
import type { AuditTrail } from './audit.ts';
import { authorize, type Caller } from './caller.ts';
import type { PendingCalls } from './pending.ts';

/** As much of a logger as a server needs: a constant sentence and fields. */
export interface Log {
  debug(fields: object, sentence: string): void;
  info(fields: object, sentence: string): void;
  warn(fields: object, sentence: string): void;
  error(fields: object, sentence: string): void;
}

/** The door of our servers: roles decide, and the trail has every attempt to change something. */
export const doorOf = (audit: AuditTrail): Door<Caller> => ({
  authorize,
  record: (caller, attempt, work) => audit.record(caller, attempt, work),
});

/** A method table that is served: who answers, who is let in, who writes it down. */
export interface Service<T extends MethodTable> {
  readonly table: T;
  readonly handlers: Handlers<T, Caller>;
  readonly door: Door<Caller>;
  /** Who sent this; undefined for somebody we cannot know, who then gets a bare 401. */
  readonly identify: (request: IncomingMessage) => Caller | undefined;
  readonly pending: PendingCalls;
  readonly log: Log;
  /** The OpenRPC document of the table. */
  readonly discover: () => object;
}
