import { VoltError, type ErrorCode } from '../errors/index.ts';

/** What the bus and systemd call a failure, and what we call it. Any other name is DEPENDENCY. */
const codes: Readonly<Record<string, ErrorCode>> = {
  'org.freedesktop.systemd1.NoSuchUnit': 'NOT_FOUND',
  'org.freedesktop.systemd1.LoadFailed': 'DEPENDENCY',
  'org.freedesktop.systemd1.UnitMasked': 'CONFLICT',
  'org.freedesktop.systemd1.JobTypeNotApplicable': 'CONFLICT',
  'org.freedesktop.systemd1.TransactionIsDestructive': 'CONFLICT',
  'org.freedesktop.systemd1.ShuttingDown': 'CONFLICT',
  'org.freedesktop.DBus.Error.UnknownObject': 'NOT_FOUND',
  'org.freedesktop.DBus.Error.AccessDenied': 'PERMISSION',
  'org.freedesktop.DBus.Error.AuthFailed': 'PERMISSION',
  'org.freedesktop.DBus.Error.InteractiveAuthorizationRequired': 'PERMISSION',
  'org.freedesktop.DBus.Error.InvalidArgs': 'USAGE',
  'org.freedesktop.DBus.Error.LimitsExceeded': 'RESOURCE',
  'org.freedesktop.DBus.Error.NoMemory': 'RESOURCE',
  'org.freedesktop.DBus.Error.NoReply': 'TIMEOUT',
  'org.freedesktop.DBus.Error.Timeout': 'TIMEOUT',
};

/** The result word of a finished systemd job, and what we call it. Only `done` is success. */
const jobResults: Readonly<Record<string, ErrorCode>> = {
  canceled: 'CONFLICT',
  timeout: 'TIMEOUT',
  failed: 'DEPENDENCY',
  dependency: 'DEPENDENCY',
  skipped: 'CONFLICT',
  invalid: 'CONFLICT',
  assert: 'DEPENDENCY',
  unsupported: 'DEPENDENCY',
  collected: 'CONFLICT',
  once: 'CONFLICT',
};

export function busError(name: string, text: string, cause?: unknown): VoltError {
  return new VoltError(codes[name] ?? 'DEPENDENCY', `systemd refused: ${text}`, { cause });
}

export function jobError(unit: string, verb: string, result: string): VoltError {
  return new VoltError(jobResults[result] ?? 'DEPENDENCY', `Could not ${verb} '${unit}': the job ended as '${result}'`);
}
