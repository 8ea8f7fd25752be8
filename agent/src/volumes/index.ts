export { lookAtBinds } from './binds.ts';
export { Volumes } from './volumes.ts';
