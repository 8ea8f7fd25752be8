import type { ServiceStatus } from '../rpc/index.ts';
import { activeStates } from './active-state.ts';
import type { Unit } from './units.ts';

/** Services as people are shown them, alike from the agent and from a CLI whose agent is down. */
export function serviceStatuses(units: readonly Unit[], withStopped: boolean): ServiceStatus[] {
  return units
    .filter(({ activeState }) => withStopped || activeState !== 'inactive')
    .map(({ name, activeState, subState, description }) => ({
      name: name.replace(/\.service$/, ''),
      // A word that systemd may add says more than none.
      state: activeStates[activeState] ?? (activeState === 'inactive' ? 'stopped' : activeState),
      detail: subState,
      description,
    }));
}
