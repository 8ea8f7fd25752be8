/**
 * A slot is a container's number on its node: from it follow the user ids its
 * users have on the host, and the name of its cable. Remembered in its config,
 * and never shared.
 */
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';

/** Above the ranges that useradd hands to people. */
const USER_ID_BASE = 655_360;
const USER_IDS = 65_536;

/** User ids end at 2^32 - 2. */
export const SLOTS_MAX = Math.floor((2 ** 32 - 2 - USER_ID_BASE) / USER_IDS);

type WithRange = Pick<ContainerConfig, 'userns'>;

export const slotOf = ({ userns }: WithRange): number => (userns.base - USER_ID_BASE) / USER_IDS;

export const userRange = (slot: number): ContainerConfig['userns'] => ({
  base: USER_ID_BASE + slot * USER_IDS,
  size: USER_IDS,
});

/** The lowest slot that none of them has. Pure. */
export function freeSlot(used: Iterable<WithRange>): number {
  const taken = new Set([...used].map(slotOf));
  for (let slot = 0; slot < SLOTS_MAX; slot++) if (!taken.has(slot)) return slot;
  throw new VoltError('RESOURCE', 'No range of user ids is free', { hint: 'volt container list' });
}
