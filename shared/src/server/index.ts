export { addForward, type Forward, type ForwardTarget } from './forward.ts';
export { addService, createApp, showAgain } from './app.ts';
export { ANONYMOUS, authorize, mayDo, type Caller, type Role } from './caller.ts';
export { AuditTrail, type AuditLine } from './audit.ts';
export {
  callerOfCertificate,
  identifyByCertificate,
  identifyUnlessRevoked,
  speakFor,
  SPEAKS_FOR_HEADER,
  type Revoked,
} from './identity.ts';
export { PendingCalls, type PendingCall } from './pending.ts';
export { doorOf, type Log, type Service } from './service.ts';
