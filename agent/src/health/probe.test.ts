import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { VoltError } from '@volt/shared/errors';
import { HEALTH_OUTPUT_CHARS_MAX, type ContainerConfig, type HealthProbe } from '@volt/shared/model';
import { probe, type Exec } from './probe.ts';

const { signal } = new AbortController();

const web = { spec: { name: 'web' }, network: { address: '127.0.0.1' } } as ContainerConfig;

const noExec: Exec = async () => {
  throw new VoltError('CONFLICT', 'It does not run');
};

const ask = (how: HealthProbe, exec = noExec, { timeoutMs = 5000, by = signal } = {}) =>
  probe(web, { probe: how, timeoutMs, intervalMs: 1000, retries: 1, startPeriodMs: 0, restart: false }, exec, by);

const closing: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return (server.address() as AddressInfo).port;
}

describe('over HTTP', () => {
  test.each([
    [200, true],
    [204, true],
    [302, true],
    [399, true],
    [400, false],
    [404, false],
    [503, false],
  ])('an answer of %d is healthy: %s', async (status, isHealthy) => {
    const port = await serve((request, response) => {
      expect(request.url).toBe('/ready?x');
      response.writeHead(status).end();
    });
    const answer = await ask({ kind: 'http', port, path: '/ready?x' });
    expect(answer).toEqual({ isHealthy, output: `HTTP ${status}` });
  });

  test('of an answer without end only the beginning is read', async () => {
    const port = await serve((_request, response) => {
      const more = () => void (response.write('x'.repeat(1000)) ? setImmediate(more) : response.once('drain', more));
      more();
    });
    const { isHealthy, output } = await ask({ kind: 'http', port, path: '/' });
    expect(isHealthy).toBe(true);
    expect(output.length).toBeLessThanOrEqual(HEALTH_OUTPUT_CHARS_MAX);
  });

  test('who does not answer in time is not healthy', async () => {
    const port = await serve(() => {});
    const answer = await ask({ kind: 'http', port, path: '/' }, noExec, { timeoutMs: 50 });
    expect(answer).toEqual({ isHealthy: false, output: 'took longer than 0.05 s' });
  });
});

describe('by connecting', () => {
  test('an open port is healthy, a closed one is not', async () => {
    const port = await serve(() => {});
    expect(await ask({ kind: 'tcp', port })).toEqual({ isHealthy: true, output: 'connected' });
    for (const close of closing.splice(0)) await close();
    const refused = { isHealthy: false, output: 'connection refused' };
    expect(await ask({ kind: 'tcp', port })).toEqual(refused);
    expect(await ask({ kind: 'http', port, path: '/' })).toEqual(refused);
  });
});

describe('by a program', () => {
  const saying =
    (code: number, ...lines: string[]): Exec =>
    async (name, { command, stdin, tty }, { emit }) => {
      expect({ name, command, stdin, tty }).toEqual({ name: 'web', command: ['check'], stdin: false, tty: false });
      for (const line of lines) await emit({ stream: 'stdout', data: Buffer.from(`${line}\n`).toString('base64') });
      return code;
    };
  const how: HealthProbe = { kind: 'exec', command: ['check'] };

  test('its exit code tells', async () => {
    expect(await ask(how, saying(0, 'fine'))).toEqual({ isHealthy: true, output: 'fine' });
    expect(await ask(how, saying(1, 'no', 'database'))).toEqual({
      isHealthy: false,
      output: 'no\ndatabase\nexit code 1',
    });
  });

  test('of much that it says the end is kept', async () => {
    const { output } = await ask(how, saying(0, 'x'.repeat(100_000), 'end'));
    expect(output.length).toBeLessThanOrEqual(HEALTH_OUTPUT_CHARS_MAX);
    expect(output.endsWith('x\nend')).toBe(true);
  });

  test('one that cannot be run is told', async () => {
    expect(await ask(how)).toEqual({ isHealthy: false, output: 'It does not run' });
  });

  test('one that takes too long is ended', async () => {
    const endless: Exec = async (_name, _request, { emit }, stop) => {
      await emit({ stream: 'stderr', data: Buffer.from('trying\n').toString('base64') });
      await once(stop, 'abort');
      throw stop.reason;
    };
    const answer = await ask(how, endless, { timeoutMs: 50 });
    expect(answer).toEqual({ isHealthy: false, output: 'trying\n\ntook longer than 0.05 s' });
  });

  test('whoever stops asking gets no answer', async () => {
    const over = new AbortController();
    const endless: Exec = async (_name, _request, _io, stop) => {
      over.abort();
      throw stop.reason;
    };
    await expect(ask(how, endless, { by: over.signal })).rejects.toThrow();
  });
});
