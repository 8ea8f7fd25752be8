export { FromSystemd } from './from-systemd.ts';
export type { LogQuery, Offline } from './offline.ts';
