/** What a machine that joins and the controller that takes it in agree on, besides the method's row. */

/** Where a controller answers `cluster.enroll` to callers without a certificate, as JSON-RPC 2.0. */
export const ENROLL_PATH = '/enroll/rpc';

/** Names in `files` of the answer for the JWTs of the node's NATS key; the others are names of cluster files. */
export const NODE_JWT = 'node.jwt';
export const CONTROLLER_JWT = 'controller.jwt';
