export { install, type InstallPorts } from './install.ts';
export { SERVICE_UNIT, SOCKET_UNIT } from './units.ts';
