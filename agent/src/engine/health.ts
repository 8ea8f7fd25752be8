/** What to check of a container, from what was asked for and what its image says. Pure. */
import { VoltError } from '@volt/shared/errors';
import { parseDurationMs } from '@volt/shared/lib';
import type { ContainerSpec, HealthCheck, HealthProbe, ImageHealth } from '@volt/shared/model';

const INTERVAL_MS = 30_000;
const TIMEOUT_MS = 5_000;
const RETRIES = 3;
const START_PERIOD_MS = 0;

/** Undefined where nothing is to be checked. Throws USAGE for what cannot be meant. */
export function healthCheckOf(spec: ContainerSpec, image: ImageHealth | undefined): HealthCheck | undefined {
  const given = givenFlags(spec);
  const asked = probesOf(spec);
  if (asked.length > 1) {
    throw new VoltError('USAGE', `'${given.slice(0, 2).join("' and '")}' cannot be used together: one way to check`);
  }
  if (!spec.health) {
    if (given.length === 0) return undefined;
    throw new VoltError('USAGE', `'${given[0]}' and '--no-health' cannot be meant together`);
  }
  const own = asked[0];
  const probe = own ?? (image === undefined ? undefined : { kind: 'exec' as const, command: image.command });
  if (probe === undefined) {
    if (given.length === 0) return undefined;
    throw new VoltError('USAGE', `'${given[0]}' needs something to check, and the image has no check of its own`, {
      hint: '--health-http 8080/ready, --health-tcp 5432, or --health-cmd PROGRAM',
    });
  }
  if (spec.healthRestart === true && spec.restart === 'no') {
    throw new VoltError('USAGE', "'--health-restart' needs a restart policy", { hint: '--restart on-failure' });
  }
  // What an image says of times is about its own check.
  const times = own === undefined ? image : undefined;
  return {
    probe,
    intervalMs: msOf(spec.healthInterval) ?? times?.intervalMs ?? INTERVAL_MS,
    timeoutMs: msOf(spec.healthTimeout) ?? times?.timeoutMs ?? TIMEOUT_MS,
    retries: spec.healthRetries ?? times?.retries ?? RETRIES,
    startPeriodMs: msOf(spec.healthStartPeriod) ?? times?.startPeriodMs ?? START_PERIOD_MS,
    restart: spec.healthRestart === true,
  };
}

function probesOf({ healthCmd, healthHttp, healthTcp }: ContainerSpec): HealthProbe[] {
  const found: HealthProbe[] = [];
  if (healthCmd !== undefined) {
    if (healthCmd.length === 0) throw new VoltError('USAGE', "'--health-cmd' needs a program");
    found.push({ kind: 'exec', command: healthCmd });
  }
  if (healthHttp !== undefined) {
    const [port = '', ...path] = healthHttp.split('/');
    found.push({ kind: 'http', port: Number(port), path: `/${path.join('/')}` });
  }
  if (healthTcp !== undefined) found.push({ kind: 'tcp', port: healthTcp });
  return found;
}

/** As they are typed, those that say how to check first. */
function givenFlags(spec: ContainerSpec): string[] {
  const flags = {
    '--health-cmd': spec.healthCmd,
    '--health-http': spec.healthHttp,
    '--health-tcp': spec.healthTcp,
    '--health-interval': spec.healthInterval,
    '--health-timeout': spec.healthTimeout,
    '--health-retries': spec.healthRetries,
    '--health-start-period': spec.healthStartPeriod,
    '--health-restart': spec.healthRestart,
  };
  return Object.entries(flags).flatMap(([flag, value]) => (value === undefined || value === false ? [] : [flag]));
}

const msOf = (text: string | undefined): number | undefined => (text === undefined ? undefined : parseDurationMs(text));
