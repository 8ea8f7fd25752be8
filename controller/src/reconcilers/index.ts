export type { ControllerLog, ControllerPorts } from './ports.ts';
export { runController } from './run-controller.ts';
