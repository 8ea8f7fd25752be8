import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';
import { connect } from '../../client/index.ts';
import { VoltError } from '../../errors/index.ts';
import { method, stream, type Attempt, type Handlers } from '../../rpc/index.ts';
import { addService, authorize, createApp, PendingCalls, type Caller } from '../index.ts';

const row = { audit: 'none', resource: 'none', cli: 'hidden' } as const;

/** A table with one row of each kind, small enough to read in a test. */
export const toyTable = {
  'math.subtract': method({
    ...row,
    summary: 'Subtract.',
    params: () => z.object({ minuend: z.int(), subtrahend: z.int() }),
    result: () => z.int(),
    permission: 'math:read',
  }),
  'door.open': method({
    ...row,
    summary: 'Change something.',
    params: () => z.object({ name: z.string() }),
    result: () => z.object({}),
    permission: 'door:operate',
    audit: 'door.open',
    resource: 'name',
  }),
  'fail.with': method({
    ...row,
    summary: 'Fail.',
    params: () => z.object({ how: z.enum(['not-found', 'bug', 'shape']) }),
    result: () => z.object({ ok: z.boolean() }),
    permission: 'public',
  }),
  'echo.all': stream({
    ...row,
    summary: 'Send back what comes.',
    params: () => z.object({ prefix: z.string() }),
    event: () => z.object({ text: z.string() }),
    input: () => z.object({ text: z.string() }),
    result: () => z.object({ count: z.int() }),
    permission: 'public',
  }),
  'tick.forever': stream({
    ...row,
    summary: 'Tick until the caller goes.',
    params: () => z.object({}),
    event: () => z.object({ n: z.int() }),
    result: () => z.object({}),
    permission: 'public',
  }),
};

/** Serves the toy table on a unix socket. `calls` and `trail` tell what came through. */
export async function serveToy(roles: Caller['roles'] | 'stranger') {
  const folder = mkdtempSync(join(tmpdir(), 'volt-server-'));
  const path = join(folder, 'sock');
  const trail: Attempt[] = [];
  const logged: string[] = [];
  const cancelled = Promise.withResolvers<void>();

  const handlers: Handlers<typeof toyTable, Caller> = {
    'math.subtract': async ({ minuend, subtrahend }) => minuend - subtrahend,
    'door.open': async () => ({}),
    'fail.with': async ({ how }) => {
      if (how === 'not-found') throw new VoltError('NOT_FOUND', "No door 'x'", { hint: 'look elsewhere' });
      if (how === 'bug') throw new TypeError('secret detail');
      return { ok: 'yes' as unknown as boolean };
    },
    'echo.all': async ({ prefix }, { input, emit }) => {
      let count = 0;
      for await (const { text } of input) {
        await emit({ text: prefix + text });
        count += 1;
      }
      return { count };
    },
    'tick.forever': async (_params, { emit, signal }) => {
      signal.addEventListener('abort', () => cancelled.resolve());
      for (let n = 0; !signal.aborted; n += 1) await emit({ n });
      return {};
    },
  };
  const app = createApp();
  const log = { debug() {}, info() {}, warn() {}, error: (_fields: object, sentence: string) => logged.push(sentence) };
  addService(app, {
    table: toyTable,
    handlers,
    pending: new PendingCalls(),
    log,
    discover: () => ({ openrpc: '1.3.2' }),
    identify: () => (roles === 'stranger' ? undefined : { name: 'test', uid: 1000, roles }),
    door: {
      authorize,
      record: async (_caller, attempt, work) => {
        trail.push(attempt);
        return work();
      },
    },
  });
  await app.listen({ path });
  const client = connect({ kind: 'socket', path }, toyTable);

  const close = async () => {
    client.close();
    await app.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { path, client, trail, logged, cancelled: cancelled.promise, close, [Symbol.asyncDispose]: close };
}

/** Sends a body as it is and returns status and text. */
export async function post(socketPath: string, body: string, path = '/rpc', type = 'application/json') {
  const { request } = await import('node:http');
  const sent = request({ socketPath, path, method: 'POST', headers: { 'content-type': type } });
  sent.on('error', () => {});
  sent.end(body);
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += String(chunk);
  return { status: response.statusCode as number, text };
}
