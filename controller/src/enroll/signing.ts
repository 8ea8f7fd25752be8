/** What all that is signed here has in common. */
import type { NodeRoles } from '@volt/shared/model';
import { CERTIFICATE_DAYS, type Term } from '@volt/shared/pki';
import type { EnrollPorts } from './ports.ts';

const DAY_SECONDS = 86_400;

export type SigningPorts = Pick<EnrollPorts, 'identity' | 'members' | 'revoked' | 'now' | 'certificateSeconds'>;

export const termOf = ({ now, certificateSeconds }: Pick<EnrollPorts, 'now' | 'certificateSeconds'>): Term => ({
  now: now(),
  seconds: certificateSeconds ?? CERTIFICATE_DAYS * DAY_SECONDS,
});

/** The words of certificates for roles of nodes. */
export const certificateRoles = (roles: NodeRoles): ('node' | 'controller')[] =>
  roles.map((role) => (role === 'agent' ? 'node' : role));
