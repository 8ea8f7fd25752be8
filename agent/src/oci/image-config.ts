/** How programs of an image are run, from the configuration of OCI and back. Pure. */
import { constants } from 'node:os';
import { VoltError } from '@volt/shared/errors';
import { EnvName, ImageConfig, volumeTargets } from '@volt/shared/model';
import { healthcheckDocument, healthcheckOf } from './healthcheck.ts';
import type { ConfigDocument, Platform } from './schemas.ts';

/** One step of how an image was made. */
export interface HistoryStep {
  readonly createdAt?: string | undefined;
  readonly createdBy?: string | undefined;
  readonly comment?: string | undefined;
  /** Whether it changed files, rather than only the configuration. */
  readonly hasFiles: boolean;
}

export interface KnownConfig {
  readonly config: ImageConfig;
  readonly platform: Platform;
  /** When it was made, by its own account. */
  readonly builtAt: string | undefined;
  readonly history: readonly HistoryStep[];
  /** What it asks for and does not get, in sentences for people. */
  readonly left: readonly string[];
}

const ENV_VALUE_CHARS_MAX = 32_768;
const CREATED_BY_CHARS_MAX = 4000;
const VOLUMES_MAX = 64;

export function fromConfigDocument(document: ConfigDocument): KnownConfig {
  const { architecture, os, variant, history, created } = document;
  const { User, Entrypoint, Cmd, WorkingDir, Labels, ...raw } = document.config ?? {};
  const left: string[] = [];
  const parsed = ImageConfig.safeParse({
    entrypoint: Entrypoint ?? [],
    cmd: Cmd ?? [],
    env: envOf(raw.Env ?? [], left),
    workdir: WorkingDir || '/',
    user: User ?? '',
    exposedPorts: portsOf(Object.keys(raw.ExposedPorts ?? {}), left),
    stopSignal: signalOf(raw.StopSignal ?? '', left),
    labels: Labels ?? {},
    healthcheck: healthcheckOf(raw.Healthcheck, left),
    volumes: volumesOf(Object.keys(raw.Volumes ?? {}), left),
  });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new VoltError('INVALID_CONFIG', `Bad image: its ${issue?.path.join('.') ?? ''} is out of bounds`);
  }
  return {
    config: parsed.data,
    platform: { os, architecture, ...(variant ? { variant } : {}) },
    builtAt: instant(created),
    history: (history ?? []).map((step) => ({
      createdAt: instant(step.created),
      createdBy: step.created_by?.slice(0, CREATED_BY_CHARS_MAX) || undefined,
      comment: step.comment?.slice(0, CREATED_BY_CHARS_MAX) || undefined,
      hasFiles: step.empty_layer !== true,
    })),
    left,
  };
}

/** Absent where there are none. */
function volumesOf(paths: readonly string[], left: string[]): string[] | undefined {
  const usable = [...new Set(volumeTargets(paths))].toSorted().slice(0, VOLUMES_MAX);
  if (usable.length < paths.length) left.push(`No volume is made for some of ${paths.join(', ').slice(0, 200)}`);
  return usable.length === 0 ? undefined : usable;
}

function envOf(lines: readonly string[], left: string[]): Record<string, string> {
  const env: Record<string, string> = {};
  for (const line of lines) {
    const equals = line.indexOf('=');
    const name = line.slice(0, Math.max(equals, 0));
    const value = line.slice(equals + 1);
    if (EnvName.safeParse(name).success && value.length <= ENV_VALUE_CHARS_MAX) env[name] = value;
    else left.push(`The environment variable '${line.slice(0, 40)}' is left out: it has no proper name or is too long`);
  }
  return env;
}

function portsOf(ports: readonly string[], left: string[]): string[] {
  return ports.toSorted().flatMap((port) => {
    const spelled = /^\d{1,5}$/.test(port) ? `${port}/tcp` : port;
    if (/^\d{1,5}\/(?:tcp|udp)$/.test(spelled)) return [spelled];
    left.push(`The port '${port.slice(0, 40)}' is left out: it is none`);
    return [];
  });
}

/** Docker takes `15`, `TERM` and `SIGTERM`. */
function signalOf(text: string, left: string[]): string {
  if (text === '') return 'SIGTERM';
  const known = Object.entries(constants.signals);
  const name = /^\d+$/.test(text) ? known.find(([, number]) => number === Number(text))?.[0] : text.toUpperCase();
  const spelled = name === undefined || name.startsWith('SIG') ? name : `SIG${name}`;
  if (spelled !== undefined && /^SIG(?:RTM(?:IN\+|AX-)\d{1,2}|[A-Z0-9]{1,12})$/.test(spelled)) {
    if (spelled in constants.signals || spelled.startsWith('SIGRTMIN+')) return spelled;
  }
  left.push(`The stop signal '${text.slice(0, 40)}' is left out: it is none`);
  return 'SIGTERM';
}

/** Undefined for what is no point in time. */
function instant(text: string | null | undefined): string | undefined {
  const time = text ? Date.parse(text) : Number.NaN;
  return Number.isNaN(time) ? undefined : new Date(time).toISOString();
}

export interface ToConfigDocument {
  readonly config: ImageConfig;
  readonly platform: Platform;
  readonly createdAt: string;
  readonly history: readonly HistoryStep[];
  /** Of the only layer. */
  readonly diffId: string;
}

const EXPORTED_BY = 'volt image export';

/** The configuration of an image with a single layer, with equal bytes for equal images. */
export function toConfigDocument({ config, platform, createdAt, history, diffId }: ToConfigDocument): Buffer {
  const { entrypoint, cmd, env, workdir, user, exposedPorts, stopSignal, labels, healthcheck, volumes } = config;
  const document = {
    created: createdAt,
    architecture: platform.architecture,
    ...(platform.variant ? { variant: platform.variant } : {}),
    os: platform.os,
    config: {
      ...(user !== '' && { User: user }),
      ...(volumes !== undefined && { Volumes: Object.fromEntries(volumes.map((path) => [path, {}])) }),
      ...(exposedPorts.length > 0 && { ExposedPorts: Object.fromEntries(exposedPorts.map((port) => [port, {}])) }),
      Env: Object.entries(env).map(([name, value]) => `${name}=${value}`),
      ...(entrypoint.length > 0 && { Entrypoint: entrypoint }),
      ...(cmd.length > 0 && { Cmd: cmd }),
      WorkingDir: workdir,
      ...(Object.keys(labels).length > 0 && { Labels: labels }),
      StopSignal: stopSignal,
      ...(healthcheck !== undefined && { Healthcheck: healthcheckDocument(healthcheck) }),
    },
    rootfs: { type: 'layers', diff_ids: [diffId] },
    history: [...history.filter(({ createdBy }) => createdBy !== EXPORTED_BY).map(toStep), ownStep(createdAt)],
  };
  return Buffer.from(JSON.stringify(document));
}

/** All files are in one layer, so no step but the last has one: readers count. */
const toStep = ({ createdAt, createdBy, comment }: HistoryStep) => ({
  ...(createdAt !== undefined && { created: createdAt }),
  ...(createdBy !== undefined && { created_by: createdBy }),
  ...(comment !== undefined && { comment }),
  empty_layer: true,
});

const ownStep = (createdAt: string) => ({ created: createdAt, created_by: EXPORTED_BY });
