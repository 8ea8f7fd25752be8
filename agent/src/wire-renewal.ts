/** Renewal of certificates on the real machine: who signs, who reads files again, and what goes on with them. */
import { constants } from 'node:os';
import { connect } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import type { Settings } from '@volt/shared/daemon';
import type { ClusterConnection } from '@volt/shared/kv';
import type { ClusterIdentity, LiveTls, RevokedKeys } from '@volt/shared/pki';
import { controllerMethods } from '@volt/shared/rpc';
import type { Log } from '@volt/shared/server';
import type { Api } from './api/index.ts';
import { createRenewal, type Renewal, type SignRequest, type Signed } from './bootstrap/index.ts';
import type { Clock, Files, Systemd } from './host/index.ts';
import type { OpenImages } from './wire-images.ts';

export interface RenewalWire {
  readonly files: Files;
  readonly systemd: Pick<Systemd, 'kill'>;
  readonly clock: Clock;
  readonly identity: ClusterIdentity | null;
  readonly revoked: RevokedKeys;
  readonly settings: Pick<Settings, 'certificates.seconds'>;
  readonly log: Log;
}

const SIGN_TIMEOUT_MS = 10_000;

export const openRenewal = ({ files, systemd, clock, identity, revoked, settings, log }: RenewalWire): Renewal =>
  createRenewal(
    {
      files,
      reload: (unit) => systemd.kill(unit, constants.signals.SIGHUP),
      sign,
      revoked,
      now: () => clock.now(),
      certificateSeconds: settings['certificates.seconds'],
      sleep: (ms, signal) => clock.sleep(ms, signal),
      log,
    },
    identity,
  );

/** The first controller that answers. What one refuses, another would refuse as well. */
async function sign(identity: ClusterIdentity, request: SignRequest, signal: AbortSignal): Promise<Signed> {
  const { ca, cert, key, config } = identity;
  let last: unknown = new VoltError('NETWORK', 'No controller of the cluster answers');
  for (const endpoint of config.controllers) {
    const [host = '', port = ''] = endpoint.split(':');
    const target = { kind: 'tls', host, port: Number(port), ca, cert, key } as const;
    const client = connect(target, controllerMethods, { timeoutMs: SIGN_TIMEOUT_MS });
    try {
      return await client.call('certificate.sign', request, { signal });
    } catch (thrown) {
      last = thrown;
      if (!(thrown instanceof VoltError) || !isAway(thrown)) throw thrown;
    } finally {
      client.close();
    }
  }
  throw last;
}

const isAway = ({ code }: VoltError): boolean => ['NETWORK', 'TIMEOUT', 'CONFLICT'].includes(code);

export interface ShownBy {
  readonly tls: LiveTls;
  readonly line: ClusterConnection;
  readonly api: Pick<Api, 'renewed'>;
  readonly images: Pick<OpenImages, 'renewed'>;
}

/** Doors first, as that cannot fail; then the line to NATS. */
export const useIdentity =
  ({ tls, line, api, images }: ShownBy) =>
  async ({ ca, cert, key, creds }: ClusterIdentity): Promise<void> => {
    tls.use({ ca, cert, key });
    api.renewed();
    images.renewed();
    await line.renew({ tls: { ca, cert, key }, credentials: creds });
  };
