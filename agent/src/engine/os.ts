/** Containers that boot: their image is an operating system, whose systemd is the first process. */
import { VoltError } from '@volt/shared/errors';
import type { ContainerSpec } from '@volt/shared/model';
import type { Files } from '../host/index.ts';

/** What systemd is told to shut down with. */
export const OS_STOP_SIGNAL = 'SIGRTMIN+3';

/** Where it can be. Neither path has a link that leads out of an image. */
const SYSTEMD = ['usr/lib/systemd/systemd', 'lib/systemd/systemd'];

/** What says how one program runs, or keeps it from what a system needs, has no meaning for one. */
const onlyForPrograms: readonly (keyof ContainerSpec)[] = [
  'tty',
  'interactive',
  'user',
  'workdir',
  'stopSignal',
  'fsRead',
  'fsWrite',
  'fsExecute',
  'netBind',
  'netConnect',
  'requireIsolation',
];

export function checkOs(spec: ContainerSpec): void {
  if (spec.os !== true) return;
  if (spec.command.length > 0) {
    throw new VoltError('USAGE', 'What boots runs its systemd, and no other program', {
      hint: `volt exec ${spec.name} -- PROGRAM, once it runs`,
    });
  }
  const unfit = onlyForPrograms.find((key) => spec[key] !== undefined && spec[key] !== false);
  if (unfit !== undefined) throw new VoltError('USAGE', `'${unfit}' is for one program, and not for what boots`);
  const open = spec.without?.find((protection) => protection === 'all' || protection === 'user-namespace');
  if (open === undefined) return;
  throw new VoltError('USAGE', `What boots would be root of this machine without '${open}'`);
}

/** Throws where there is nothing in the image that could boot. */
export async function requireSystemd(files: Files, lower: string, { os, image }: ContainerSpec): Promise<void> {
  if (os !== true) return;
  const found = await Promise.all(SYSTEMD.map((path) => files.exists(`${lower}/${path}`)));
  if (found.includes(true)) return;
  throw new VoltError('USAGE', `Image '${image}' has no systemd to boot`, {
    hint: 'build one with the packages systemd-sysv and dbus, or run it without --boot',
  });
}
