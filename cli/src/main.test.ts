/** The CLI as a process: what only shows with real pipes and signals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';

const runner = `import { main } from ${JSON.stringify(resolve(import.meta.dirname, 'main.ts'))};
process.exitCode = await main(process.argv.slice(1));`;

/** A process of its own, that talks to `listener`. */
async function start(words: readonly string[], listener: RequestListener) {
  const folder = mkdtempSync(join(tmpdir(), 'volt-main-'));
  const server = createServer(listener).listen(join(folder, 's'));
  await once(server, 'listening');
  const env = { PATH: process.env['PATH'], XDG_CONFIG_HOME: folder, VOLT_HOST: join(folder, 's') };
  const child = spawn(process.execPath, ['--input-type=module', '-e', runner, '--', ...words], { env });
  onTestFinished(() => {
    child.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
}

const event = (line: string) => {
  const params = { at: '2026-01-01T00:00:00Z', name: 'web', text: line };
  return `${JSON.stringify({ jsonrpc: '2.0', method: 'event', params })}\n`;
};

test('the first Ctrl-C cancels: exit code 13 and one line', async () => {
  const asked = Promise.withResolvers<void>();
  const child = await start(['container', 'list'], () => asked.resolve());
  await asked.promise;
  child.kill('SIGINT');
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code: code as number, stderr }).toEqual({ code: 13, stderr: 'error: Interrupted\n' });
});

test('a reader that has had enough ends it quietly', async () => {
  const child = await start(['logs', 'web', '-f'], (_request, response) => {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const timer = setInterval(() => response.write(event('hello')), 1);
    response.on('close', () => clearInterval(timer));
  });
  child.stdout.once('data', () => child.stdout.destroy());
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect({ code: code as number, stderr }).toEqual({ code: 0, stderr: '' });
});

test('the exit code of a program comes through, and standard input that is still open holds nothing up', async () => {
  const child = await start(['exec', 'web', '-i', '--', 'cat'], (request, response) => {
    if (request.url === '/rpc') return void response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} }));
    request.resume();
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    response.end(`${JSON.stringify({ jsonrpc: '2.0', id: 1, result: { exitCode: 42 } })}\n`);
  });
  const [code] = (await once(child, 'exit')) as [number];
  expect(code).toBe(42);
});

test('output that is long arrives whole', async () => {
  const rows = Array.from({ length: 20_000 }, (_, at) => ({
    name: `web-${at}`,
    state: 'running',
    image: 'x',
    address: null,
  }));
  const child = await start(
    ['container', 'list', '-o', 'name'],
    (_request, response) => void response.end(JSON.stringify({ jsonrpc: '2.0', id: 1, result: rows })),
  );
  const [stdout, [code]] = await Promise.all([text(child.stdout), once(child, 'exit')]);
  expect(code).toBe(0);
  expect(stdout.trimEnd().split('\n')).toHaveLength(20_000);
});
