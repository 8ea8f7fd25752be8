import { connect } from '@volt/shared/client';
import { CONTROLLER_PORT, postPinned, type ClusterIdentity } from '@volt/shared/pki';
import { controllerMethods } from '@volt/shared/rpc';
import type { Controllers } from './ports.ts';

/** For one attempt while the controller starts; the next one follows soon. */
const ATTEMPT_TIMEOUT_MS = 10_000;

/** The real controllers, over TLS. */
export const realControllers: Omit<Controllers, 'withdraw'> = {
  post: postPinned,

  async makeToken(identity, admin, signal) {
    const client = clientOf(identity, admin);
    try {
      return (await client.call('cluster.token', {}, { signal })).join;
    } finally {
      client.close();
    }
  },

  async status(identity, signal) {
    const client = clientOf(identity, { cert: identity.cert, key: identity.key });
    try {
      return await client.call('cluster.status', {}, { signal });
    } finally {
      client.close();
    }
  },
};

function clientOf({ config, ca }: ClusterIdentity, { cert, key }: { cert: string; key: string }) {
  const target = { kind: 'tls', host: config.address, port: CONTROLLER_PORT, ca, cert, key } as const;
  return connect(target, controllerMethods, { timeoutMs: ATTEMPT_TIMEOUT_MS });
}
