export * from './dispatch.ts';
export * from './method.ts';
export { openRpc, type JsonSchema, type OpenRpcDocument, type OpenRpcInfo } from './openrpc.ts';
export * from './tables.ts';
export { ExecInput, ExecOutput, LogLine } from './methods/container.ts';
export { type InstanceRow } from './methods/instance.ts';
export { type ServiceStatus } from './methods/service.ts';
export { VoltEvent } from './methods/system.ts';
