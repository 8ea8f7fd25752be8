export { codeFromRpc, errorCodes, exitCode, rpcCode, type ErrorCode } from './codes.ts';
export { toVoltError, VoltError, wrapError } from './volt-error.ts';
