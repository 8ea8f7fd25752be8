/**
 * Containers that boot. Their first process is the image's systemd, so no
 * helper of ours comes before it: nspawn's own filter of system calls stays on.
 * An exec goes through the helper as everywhere, and may do less than they.
 */
import type { ContainerConfig } from '@volt/shared/model';
import { bootCapabilities, otherCapabilities, policyOf } from '../../../security/index.ts';
import { capabilityList, isolationEnvironment, maskArguments } from './isolation.ts';

/** systemd ends with this when it was told to start again: nspawn leaves that to the unit. */
const REBOOT = 133;

export const isOs = ({ spec }: ContainerConfig): boolean => spec.os === true;

/** nspawn says that it is ready when the systemd inside is: a start lasts as long as the boot. */
export function bootArguments(config: ContainerConfig, masked: readonly string[] | undefined): string[] {
  const { spec, userns } = config;
  const kept = bootCapabilities(spec);
  return [
    `--private-users=${userns.base}:${userns.size}`,
    '--private-users-ownership=auto',
    '--no-new-privileges=no',
    `--capability=${capabilityList(kept)}`,
    `--drop-capability=${capabilityList(otherCapabilities(kept))}`,
    ...(policyOf(spec).readOnly ? ['--read-only'] : []),
    ...maskArguments(spec, masked),
    '--boot',
    '--notify-ready=yes',
    // What it shows while it boots goes to the journal, and nobody types into it.
    '--console=read-only',
  ];
}

/** Lines of its unit, and those of others that it does without. */
export const bootProperties = (config: ContainerConfig): string =>
  isOs(config)
    ? `RestartForceExitStatus=${REBOOT}\nSuccessExitStatus=${REBOOT}\n`
    : `Environment=${isolationEnvironment}\n`;

/** nspawn has a minute and a half at the most, as whoever asked for the start waits no longer. */
const BOOT_SECONDS = 85;
const START_SECONDS = 60;

export const startSeconds = (config: ContainerConfig): number => (isOs(config) ? BOOT_SECONDS : START_SECONDS);
