/** Our words for what a unit is doing, from systemd's. One that does nothing has another word for each kind of unit. */
export const activeStates: Readonly<Record<string, 'running' | 'starting' | 'stopping' | 'failed' | undefined>> = {
  active: 'running',
  reloading: 'running',
  refreshing: 'running',
  activating: 'starting',
  deactivating: 'stopping',
  failed: 'failed',
};
