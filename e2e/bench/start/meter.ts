/**
 * Runs on the node, so that no way into it is part of a time: acts, and stops
 * the clock when the act is done or its server has sent a first byte.
 * A file of its own, without imports of ours: it is copied to the node.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';
import type { Answer, Order, Server } from './orders.ts';

const AGENT_SOCKET = '/run/volt/volt.sock';
/** A machine that still clears away what came before would be slower, and not for the reason that is measured. */
const SETTLE_MS = 400;
/** A packet lost because a cable is not up yet is sent again after a second: a new attempt is made instead. */
const ATTEMPT_EVERY_MS = 2;
const FIRST_BYTE_MS_MAX = 10_000;

async function measure({ act, server }: Order): Promise<number> {
  await pause(SETTLE_MS);
  const startedMs = performance.now();
  const elapsed = () => performance.now() - startedMs;
  const acting = perform(act);
  if (server === undefined) return acting.then(elapsed);
  if (server.asked === 'afterwards') await acting;
  // The byte may well come before the act says that it is done.
  const [ms] = await Promise.all([firstByte(server).then(elapsed), acting]);
  return ms;
}

function perform(act: Order['act']): Promise<unknown> {
  switch (act.kind) {
    case 'command':
      return command(act.argv);
    case 'commands':
      return Promise.all(act.argvs.map(command));
    case 'call':
      return call(act.method, act.params);
  }
}

async function command([program = '', ...args]: readonly string[]): Promise<void> {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [complaint, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${complaint.trim()}`);
}

async function call(method: string, params: Readonly<Record<string, unknown>>): Promise<void> {
  const headers = { 'content-type': 'application/json' };
  const asked = request({ socketPath: AGENT_SOCKET, path: '/rpc', method: 'POST', headers });
  asked.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }));
  const [response] = (await once(asked, 'response')) as [NodeJS.ReadableStream];
  const said = await text(response);
  if (said.includes('"error"')) throw new Error(`${method}: ${said}`);
}

/** Attempts overlap; the first that is answered counts. */
async function firstByte({ address, port }: Server): Promise<void> {
  const attempts = new Set<Socket>();
  const answered = Promise.withResolvers<void>();
  const attempt = () => {
    const socket = connect(port, address, () => socket.write('GET / HTTP/1.0\r\n\r\n'));
    attempts.add(socket);
    socket.once('data', () => answered.resolve());
    socket.once('error', () => attempts.delete(socket));
  };
  attempt();
  const timer = setInterval(attempt, ATTEMPT_EVERY_MS);
  const deadline = setTimeout(
    () => answered.reject(new Error(`${address}:${port} does not answer`)),
    FIRST_BYTE_MS_MAX,
  );
  try {
    await answered.promise;
  } finally {
    clearInterval(timer);
    clearTimeout(deadline);
    for (const socket of attempts) socket.destroy();
  }
}

const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

for await (const line of createInterface({ input: process.stdin })) {
  try {
    say({ ms: await measure(JSON.parse(line) as Order) });
  } catch (thrown) {
    say({ error: thrown instanceof Error ? thrown.message : String(thrown) });
  }
}
