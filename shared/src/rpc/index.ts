export * from './dispatch.ts';
export * from './method.ts';
export { openRpc, type JsonSchema, type OpenRpcDocument, type OpenRpcInfo } from './openrpc.ts';
export * from './tables.ts';
export { ExecInput, ExecOutput, LogLine } from './shapes/container.ts';
export { type FileChange, type FileLook } from './shapes/files.ts';
export { type InstanceRow } from './shapes/instance.ts';
export { type ServiceStatus } from './shapes/service.ts';
export { VoltEvent } from './shapes/system.ts';
