import type { Term } from '@volt/shared/pki';
import type { BootstrapPorts } from './ports.ts';

/** Of what this node signs. */
export const termFrom = ({ now, certificateSeconds }: Pick<BootstrapPorts, 'now' | 'certificateSeconds'>): Term => ({
  now: now(),
  seconds: certificateSeconds,
});
