import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { testAuthority } from '../pki/testing/index.ts';
import { addForward, ANONYMOUS, createApp } from './index.ts';

test('a bare refusal is passed on as it is', async () => {
  const { ca, cert, key } = testAuthority().certify('n1', ['node'], ['127.0.0.1']);
  const beyond = createServer({ cert, key }, (_request, response) => response.writeHead(401).end());
  beyond.listen(0, '127.0.0.1');
  await once(beyond, 'listening');
  const { port } = beyond.address() as AddressInfo;
  const app = createApp();
  onTestFinished(async () => {
    await app.close();
    beyond.close();
  });
  addForward(app, '/there', {
    identify: () => ANONYMOUS,
    target: async () => ({ host: '127.0.0.1', port, tls: { ca, servername: '' } }),
  });
  const address = await app.listen({ host: '127.0.0.1', port: 0 });
  const answer = await fetch(`${address}/there/rpc`, { method: 'POST', body: '{}' });
  expect([answer.status, await answer.text()]).toEqual([401, '']);
});
