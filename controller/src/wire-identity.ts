/**
 * Taking into use what the agent of this node has renewed: it owns the files,
 * and a controller sees that they are not what they were.
 */
import { toVoltError } from '@volt/shared/errors';
import { systemClock, type ClusterConnection } from '@volt/shared/kv';
import { loadClusterIdentity, type LiveTls } from '@volt/shared/pki';
import type { Log } from '@volt/shared/server';
import type { Api } from './api/index.ts';

const LOOK_EVERY_MS = 5000;

export interface IdentityWire {
  readonly tls: LiveTls;
  /** NATS credentials that the line was opened with. */
  readonly credentials: string;
  readonly line: Pick<ClusterConnection, 'renew'>;
  readonly api: Pick<Api, 'renewed'>;
  readonly log: Log;
}

/** Runs until the signal. What failed is tried again at the next look. */
export async function followIdentity({ tls, line, api, log, ...first }: IdentityWire, signal: AbortSignal) {
  let used = tls.tls.cert + first.credentials;
  while (!signal.aborted) {
    await systemClock.sleep(LOOK_EVERY_MS, signal);
    try {
      const identity = await loadClusterIdentity();
      if (identity?.controller == null) continue;
      const { ca, cert, key, controller } = identity;
      if (cert + controller.creds === used) continue;
      tls.use({ ca, cert, key });
      api.renewed();
      await line.renew({ tls: { ca, cert, key }, credentials: controller.creds });
      used = cert + controller.creds;
      log.info({}, 'Renewed certificates are in use');
    } catch (thrown) {
      const { code, message } = toVoltError(thrown);
      log.warn({ code, message }, 'Renewed certificates are not in use yet; trying again');
    }
  }
}
