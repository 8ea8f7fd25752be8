export {
  CERTIFICATE_DAYS,
  fingerprintOf,
  issue,
  keyFingerprint,
  makeAuthority,
  makeKey,
  makeRequest,
  readRequest,
  type KeyAndCertificate,
  type Subject,
} from './certificates.ts';
export * from './cluster-config.ts';
export * from './identity.ts';
export * from './meta-group.ts';
export * from './nats-auth.ts';
export * from './nats-config.ts';
export { fetchAuthority, postPinned, type PinnedRequest, type PinnedTarget } from './pinned.ts';
export * from './token.ts';
export * from './subnets.ts';
export * from './enrolment.ts';
