export { createBootstrap, type Bootstrap } from './bootstrap.ts';
export { realControllers } from './controllers.ts';
export { keepControllers } from './keep-controllers.ts';
export { keepRevoked } from './keep-revoked.ts';
export type { BootstrapFiles, BootstrapPorts, BootstrapUnits, Controllers } from './ports.ts';
export type { InitParams, InitResult } from './init.ts';
export type { JoinParams, JoinResult } from './join.ts';
export { CONTROLLER_UNIT } from './units.ts';
