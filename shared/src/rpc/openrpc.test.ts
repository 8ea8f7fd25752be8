import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { errorCodes } from '../errors/index.ts';
import { method, stream } from './method.ts';
import { openRpc } from './openrpc.ts';
import { agentMethods, controllerMethods } from './tables.ts';

const info = { title: 'test', version: '1' };

const table = {
  'b.stop': method({
    summary: 'Stop it.',
    params: () => z.object({ name: z.string().describe('Whose.'), grace: z.int().default(10) }),
    result: () => z.object({ stopped: z.boolean() }),
    permission: 'b:operate',
    audit: 'b.stop',
    resource: 'name',
    cli: 'hidden',
  }),
  'a.watch': stream({
    summary: 'Watch it.',
    params: () => z.object({}),
    event: () => z.object({ line: z.string() }),
    result: () => z.object({}),
    permission: 'public',
    audit: 'none',
    resource: 'none',
    cli: 'hidden',
  }),
};

test('methods come in the order of their names', () => {
  expect(openRpc(table, info).methods.map(({ name }) => name)).toEqual(['a.watch', 'b.stop']);
});

test('a param with a default need not be given', () => {
  const stop = openRpc(table, info).methods[1]!;
  expect(stop.params).toMatchObject([
    { name: 'name', description: 'Whose.', required: true, schema: { type: 'string' } },
    { name: 'grace', required: false, schema: { type: 'integer', default: 10 } },
  ]);
});

test('a stream tells what its events look like', () => {
  expect(openRpc(table, info).methods[0]!['x-event']).toMatchObject({ properties: { line: { type: 'string' } } });
});

test('every error code has its number', () => {
  const { errors } = openRpc(table, info).components;
  expect(Object.keys(errors)).toEqual(Object.keys(errorCodes));
  expect(errors['NOT_FOUND']).toMatchObject({ code: -32003, data: { exit: 3 } });
});

describe.each([
  ['agent', agentMethods],
  ['controller', controllerMethods],
])('the table of the %s', (_name, full) => {
  const document = openRpc(full, info);

  test('is described whole', () => expect(document.methods).toHaveLength(Object.keys(full).length));
  test('is plain JSON', () => expect(JSON.parse(JSON.stringify(document))).toEqual(document));
  test('is the same every time', () => expect(openRpc(full, info)).toEqual(document));
});
