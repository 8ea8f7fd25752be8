import { agentMethods, controllerMethods, openRpc, type JsonSchema, type OpenRpcDocument } from '@volt/shared/rpc';
import { block, code, made, markdownTable } from './page.ts';

const all = { ...agentMethods, ...controllerMethods };

/** Not the program's version: a page that changes with every release says nothing about what changed in it. */
const document = (): OpenRpcDocument =>
  openRpc(all, {
    title: 'Volt',
    version: '1',
    description: 'All methods of agents and controllers; x-servers says who answers. rpc.discover lists those of one.',
  });

export function openRpcText(): string {
  const { methods, ...rest } = document();
  const told = methods.map((method) => ({ ...method, 'x-servers': serversOf(method.name) }));
  return `${JSON.stringify({ ...rest, methods: told }, null, 2)}\n`;
}

export function rpcPage(): string {
  const { methods } = document();
  return [
    made('the method tables in shared/src/rpc'),
    '# Methods',
    '',
    'JSON-RPC 2.0 over HTTP: `POST /rpc` with params by name; batches and notifications included. Methods marked as',
    'streams are sent to `POST /stream`, one JSON object a line: `event` notifications come before the result, and',
    'what the caller sends while it runs are `input` notifications.',
    'The same as a machine reads it: [openrpc.json](openrpc.json), and `rpc.discover` on every server.',
    '',
    ...markdownTable(
      ['Method', 'Answered by', 'Permission', ''],
      methods.map(({ name, summary, 'x-permission': permission }) => [
        `[${name}](#${name.replaceAll('.', '')})`,
        serversOf(name).join(', '),
        code(permission),
        summary,
      ]),
    ),
    ...methods.flatMap(section),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function section(method: OpenRpcDocument['methods'][number]): string[] {
  const { event, input } = { event: method['x-event'], input: method['x-input'] };
  return [
    `## ${method.name}`,
    '',
    method.summary,
    '',
    ...markdownTable(
      ['Param', 'Type', 'Default', 'Meaning'],
      method.params.map(({ name, required, schema, description }) => [
        code(name),
        code(typeOf(schema)),
        required ? 'required' : schema['default'] === undefined ? '' : code(JSON.stringify(schema['default'])),
        description ?? '',
      ]),
    ),
    ...(input === undefined ? [] : ['While it runs it is sent:', '', ...block('ts', [typeOf(input)])]),
    ...(event === undefined ? [] : ['A stream. Each event:', '', ...block('ts', [typeOf(event)])]),
    'Result:',
    '',
    ...block('ts', [typeOf(method.result.schema)]),
  ];
}

function serversOf(name: string): string[] {
  return [
    ...(Object.hasOwn(agentMethods, name) ? ['agent'] : []),
    ...(Object.hasOwn(controllerMethods, name) ? ['controller'] : []),
  ];
}

/** A schema in the notation that readers of the source know. */
function typeOf(schema: JsonSchema): string {
  const choices = (schema['enum'] ?? (schema['const'] === undefined ? undefined : [schema['const']])) as
    | unknown[]
    | undefined;
  if (choices !== undefined) return choices.map((choice) => JSON.stringify(choice)).join(' | ');
  const either = (schema['anyOf'] ?? schema['oneOf']) as JsonSchema[] | undefined;
  if (either !== undefined) return either.map(typeOf).join(' | ');
  switch (schema['type']) {
    case 'array':
      return arrayOf(typeOf((schema['items'] ?? {}) as JsonSchema));
    case 'object':
      return objectOf(schema);
    default:
      return [(schema['type'] as string | string[] | undefined) ?? 'unknown'].flat().join(' | ');
  }
}

const arrayOf = (item: string) => (/[ |]/.test(item) && !item.startsWith('{') ? `(${item})[]` : `${item}[]`);

function objectOf(schema: JsonSchema): string {
  const properties = Object.entries((schema['properties'] ?? {}) as Record<string, JsonSchema>);
  const required = new Set(schema['required'] as string[] | undefined);
  if (properties.length > 0) {
    const fields = properties.map(([name, value]) => `${name}${required.has(name) ? '' : '?'}: ${typeOf(value)}`);
    return `{ ${fields.join('; ')} }`;
  }
  const values = schema['additionalProperties'];
  return typeof values === 'object' ? `Record<string, ${typeOf(values as JsonSchema)}>` : '{}';
}
