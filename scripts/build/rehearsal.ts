/** Takes the CLI through commands as people type them, so that what these need is compiled when it is built. */
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';

const instance = { name: 'web', node: 'node1', state: 'running', address: '10.0.0.2', image: 'web' };

const answers: Readonly<Record<string, unknown>> = {
  'container.run': instance,
  'instance.list': [instance],
};

const commands = ['run web web', 'ps'];

/** Against an agent that knows two answers. What is printed goes where the caller's output goes. */
export async function rehearse(main: (argv: readonly string[]) => Promise<number>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'volt-build-'));
  const socket = join(folder, 'volt.sock');
  const server = createServer((request, response) => void answer(request, response));
  // Neither the contexts nor the settings of whoever builds.
  const environment = { ...process.env };
  process.env = { PATH: environment['PATH'], HOME: folder };
  try {
    await once(server.listen(socket), 'listening');
    for (const command of commands) {
      const code = await main([...command.split(' '), '--host', socket]);
      if (code !== 0) throw new Error(`'volt ${command}' ended with ${code} in its rehearsal`);
    }
  } finally {
    process.env = environment;
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { id, method } = JSON.parse(await text(request)) as { id: number; method: string };
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ jsonrpc: '2.0', id, result: answers[method] }));
}
