import { connect } from '@volt/shared/client';
import { postPinned, type ClusterIdentity } from '@volt/shared/pki';
import { controllerMethods } from '@volt/shared/rpc';
import type { Controllers } from './ports.ts';

/** For one attempt while the controller starts; the next one follows soon. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** The real controllers, over TLS; `port` is where the one of this node listens. */
export const realControllers = (port: number): Omit<Controllers, 'withdraw'> => ({
  post: postPinned,

  async makeToken(identity, admin, signal) {
    const client = clientOf({ identity, port }, admin);
    try {
      return (await client.call('cluster.token', {}, { signal })).join;
    } finally {
      client.close();
    }
  },

  async status(identity, signal) {
    const client = clientOf({ identity, port }, { cert: identity.cert, key: identity.key });
    try {
      return await client.call('cluster.status', {}, { signal });
    } finally {
      client.close();
    }
  },
});

function clientOf(
  { identity, port }: { identity: ClusterIdentity; port: number },
  { cert, key }: { cert: string; key: string },
) {
  const { config, ca } = identity;
  const target = { kind: 'tls', host: config.address, port, ca, cert, key } as const;
  return connect(target, controllerMethods, { timeoutMs: ATTEMPT_TIMEOUT_MS });
}
