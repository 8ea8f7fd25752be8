/** The method table as an OpenRPC 1.3 document: what `rpc.discover` answers, and docs/reference/openrpc.json. */
import * as z from 'zod';
import { errorCodes, rpcCode, type ErrorCode } from '../errors/index.ts';
import type { AnyMethod, MethodTable } from './method.ts';

export interface OpenRpcInfo {
  readonly title: string;
  readonly version: string;
  readonly description?: string;
}

export interface OpenRpcDocument {
  readonly openrpc: '1.3.2';
  readonly info: OpenRpcInfo;
  readonly methods: readonly OpenRpcMethod[];
  readonly components: { readonly errors: Readonly<Record<string, OpenRpcError>> };
}

export interface OpenRpcMethod {
  readonly name: string;
  readonly summary: string;
  readonly tags: readonly { readonly name: string }[];
  readonly paramStructure: 'by-name';
  readonly params: readonly OpenRpcParam[];
  readonly result: { readonly name: string; readonly schema: JsonSchema };
  readonly errors: readonly { readonly $ref: string }[];
  readonly 'x-permission': string;
  /** Streams only: the schema of one event, and of one item of input. */
  readonly 'x-event'?: JsonSchema;
  readonly 'x-input'?: JsonSchema;
}

export interface OpenRpcParam {
  readonly name: string;
  readonly description?: string;
  readonly required: boolean;
  readonly schema: JsonSchema;
}

interface OpenRpcError {
  readonly code: number;
  readonly message: string;
  readonly data: { readonly exit: number; readonly retry: boolean };
}

export type JsonSchema = Readonly<Record<string, unknown>>;

/** Pure: the same table always gives the same document. */
export function openRpc(table: MethodTable, info: OpenRpcInfo): OpenRpcDocument {
  const codes = Object.keys(errorCodes) as ErrorCode[];
  return {
    openrpc: '1.3.2',
    info,
    methods: Object.keys(table)
      .toSorted()
      .map((name) => describe(name, table[name]!, codes)),
    components: { errors: Object.fromEntries(codes.map((code) => [code, describeError(code)])) },
  };
}

function describe(name: string, row: AnyMethod, codes: readonly ErrorCode[]): OpenRpcMethod {
  const params = toSchema(row.params as z.ZodObject, 'input');
  const properties = (params.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  const required = new Set(params.required as string[] | undefined);
  return {
    name,
    summary: row.summary,
    tags: [{ name: name.split('.')[0]! }],
    paramStructure: 'by-name',
    params: Object.entries(properties).map(([param, schema]) => ({
      name: param,
      ...(typeof schema.description === 'string' ? { description: schema.description } : {}),
      required: required.has(param),
      schema,
    })),
    result: { name: 'result', schema: toSchema(row.result as z.ZodType, 'output') },
    errors: codes.map((code) => ({ $ref: `#/components/errors/${code}` })),
    'x-permission': row.permission,
    ...(row.event === undefined ? {} : { 'x-event': toSchema(row.event as z.ZodType, 'output') }),
    ...(row.input === undefined ? {} : { 'x-input': toSchema(row.input, 'input') }),
  };
}

function describeError(code: ErrorCode): OpenRpcError {
  const { exit, retry, meaning } = errorCodes[code];
  return { code: rpcCode(code), message: meaning, data: { exit, retry } };
}

/** The dialect is named by OpenRPC (draft 7), so no schema repeats it. */
function toSchema(schema: z.ZodType, io: 'input' | 'output'): JsonSchema {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { target: 'draft-7', io });
  return rest;
}
