export { FromSystemd } from './from-systemd.ts';
export type { LogQuery, LogWindow, Offline } from './offline.ts';
