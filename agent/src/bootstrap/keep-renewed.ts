/** Renewing by itself for as long as a node is a member, and taking into use what was renewed. */
import { toVoltError, VoltError } from '@volt/shared/errors';
import { waitMs, type ClusterIdentity } from '@volt/shared/pki';
import { renewalPass, type Renewed, type RenewalPorts } from './renew.ts';

export interface RenewalLoop extends RenewalPorts {
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  readonly log: {
    info(what: object, message: string): void;
    warn(what: object, message: string): void;
  };
}

/** Takes another identity into use: doors, lines. Again with the same one changes nothing. */
export type UseIdentity = (identity: ClusterIdentity) => Promise<void>;

export interface Renewal {
  /** At once, and in use when it resolves. */
  renew(signal: AbortSignal): Promise<Renewed>;
  /** Until the signal. `use` is called for each identity that is not the one before, again when it failed. */
  run(use: UseIdentity, signal: AbortSignal): Promise<void>;
}

/** After a failure to take something into use. */
const TRY_AGAIN_MS = 5000;

export function createRenewal(ports: RenewalLoop, first: ClusterIdentity | null): Renewal {
  let used = first === null ? '' : shownBy(first);
  let use: UseIdentity | undefined;
  let turn: Promise<unknown> = Promise.resolve();

  /** One at a time: the loop and a person may want it in the same moment. */
  function pass(isForced: boolean, signal: AbortSignal): Promise<Renewed> {
    const mine = turn.then(async () => {
      const renewed = await renewalPass(ports, { isForced }, signal);
      if (use !== undefined && shownBy(renewed.identity) !== used) {
        await use(renewed.identity);
        used = shownBy(renewed.identity);
        ports.log.info({ until: renewed.lives[0]?.until }, 'Renewed certificates are in use');
      }
      return renewed;
    });
    turn = mine.catch(() => {});
    return mine;
  }

  return {
    renew: (signal) => pass(true, signal),
    async run(given, signal) {
      use = given;
      let said = '';
      while (!signal.aborted) {
        let ms = TRY_AGAIN_MS;
        try {
          const { lives, spread } = await pass(false, signal);
          ms = waitMs(lives, spread, ports.now());
          said = '';
        } catch (thrown) {
          const { code, message, hint } = toVoltError(thrown);
          if (!signal.aborted && said !== message) {
            ports.log.warn({ code, message, hint }, 'The certificates were not renewed; trying again');
          }
          said = message;
        }
        await ports.sleep(ms, signal).catch(() => {});
      }
    },
  };
}

const shownBy = ({ cert, creds }: ClusterIdentity): string => cert + creds;

/** What a person is told who renews by hand. */
export function renewedRow({ identity, lives }: Renewed): { node: string; until: string; credentialsUntil: string } {
  const [certificate, credentials] = lives;
  if (certificate === undefined || credentials === undefined) throw new VoltError('GENERAL', 'Nothing was renewed');
  return {
    node: identity.config.node,
    until: certificate.until.toISOString(),
    credentialsUntil: credentials.until.toISOString(),
  };
}
