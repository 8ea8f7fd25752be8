import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect, type Target } from '@volt/shared/client';
import { knock, noHandlers, readOnly, rightsIn } from '@volt/shared/client/testing';
import { RevokedKeys } from '@volt/shared/pki';
import { loopbackAddresses, testAuthority, type TestIdentity } from '@volt/shared/pki/testing';
import { agentMethods, type AgentMethods, type Handlers } from '@volt/shared/rpc';
import { AuditTrail, PendingCalls, type AuditLine, type Caller } from '@volt/shared/server';
import { expect, onTestFinished, test } from 'vitest';
import { openApi } from './index.ts';

const PORT = 7443;
const isRoot = process.getuid?.() === 0;
const authority = testAuthority();
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

async function open(isInCluster = true) {
  const folder = mkdtempSync(join(tmpdir(), 'volt-api-'));
  chmodSync(folder, 0o755);
  const [address = ''] = loopbackAddresses(1);
  const path = join(folder, 'volt.sock');
  const reached: string[] = [];
  const revoked = new RevokedKeys();
  const audit = new AuditTrail(join(folder, 'audit.log'));
  const api = await openApi({
    handlers: noHandlers<Handlers<AgentMethods, Caller>>(reached),
    audit,
    pending: new PendingCalls(),
    log: quiet,
    socket: { path, handedOver: undefined },
    cluster: isInCluster
      ? {
          identity: authority.certify('n1', ['node'], [address]),
          revoked,
          address,
          port: PORT,
          controllers: [],
          async *serveObjects() {},
        }
      : null,
  });
  onTestFinished(async () => {
    await api.close();
    await audit.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const client = (target: Target, scope?: 'controller') => {
    const made = connect(target, agentMethods, { scope });
    onTestFinished(() => made.close());
    return made;
  };
  return {
    path,
    reached,
    trail: () =>
      readFileSync(join(folder, 'audit.log'), 'utf8')
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as AuditLine),
    overSocket: (scope?: 'controller') => client({ kind: 'socket', path }, scope),
    overTls: (identity: TestIdentity) => client({ kind: 'tls', host: address, port: PORT, ...identity }),
  };
}

const openToReaders = rightsIn(agentMethods, readOnly);
const openToAll = rightsIn(agentMethods, () => true);
const closedToReaders = Object.keys(openToReaders).filter((name) => openToReaders[name] === 'refused');

test('some rows are not for readers', () => {
  expect(closedToReaders).toContain('container.create');
});

test.runIf(isRoot)('root on the socket is let in everywhere', async () => {
  expect(await knock((await open()).overSocket(), agentMethods)).toEqual(openToAll);
});

/** Sends a call of each row as another user, who is in no group, and gives the codes of the answers. */
async function knockAsNobody(socketPath: string): Promise<Record<string, string | undefined>> {
  const script = `
    const { request } = require('node:http');
    const [socketPath, ...calls] = process.argv.slice(1);
    for (const call of calls) {
      const [method, path, type] = call.split(' ');
      const headers = { 'content-type': type };
      const sent = request({ socketPath, path, method: 'POST', headers }, async (response) => {
        let text = '';
        for await (const chunk of response) text += chunk;
        console.log(method + ' ' + JSON.parse(text).error.data.code);
      });
      sent.end(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params: {} }) + '\\n');
    }`;
  const calls = Object.entries(agentMethods).map(([name, row]) =>
    row.event === undefined ? `${name} /rpc application/json` : `${name} /stream application/x-ndjson`,
  );
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath];
  const child = spawn('setpriv', [...asNobody, '-e', script, '--', socketPath, ...calls]);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return Object.fromEntries(output.split('\n').map((line) => line.split(' ') as [string, string | undefined]));
}

test.runIf(isRoot)('another user on the socket may look and do no more', async () => {
  const { path, reached, trail } = await open();
  const codes = await knockAsNobody(path);
  expect(Object.keys(openToReaders).map((name) => [name, codes[name] === 'PERMISSION'])).toEqual(
    Object.entries(openToReaders).map(([name, right]) => [name, right === 'refused']),
  );
  expect(reached.filter((name) => closedToReaders.includes(name))).toEqual([]);
  const refused = trail().filter(({ result }) => result === 'refused');
  expect(refused).toHaveLength(closedToReaders.length);
});

test('a certificate of a node may look and do no more, over TLS', async () => {
  const { overTls, reached } = await open();
  expect(await knock(overTls(authority.certify('n2', ['node'])), agentMethods)).toEqual(openToReaders);
  expect(reached.filter((name) => closedToReaders.includes(name))).toEqual([]);
});

test('a certificate of an admin is let in everywhere, over TLS', async () => {
  expect(await knock((await open()).overTls(authority.certify('root', ['admin'])), agentMethods)).toEqual(openToAll);
});

test('a certificate of another CA does not get past the handshake', async () => {
  const { overTls, reached } = await open();
  const stranger = { ...testAuthority().certify('root', ['admin']), ca: authority.ca };
  await expect(overTls(stranger).call('system.info', {})).rejects.toThrow();
  expect(reached).toEqual([]);
});

test('the cluster cannot be reached through a machine that is in none', async () => {
  const { overSocket } = await open(false);
  await expect(overSocket('controller').call('system.info', {})).rejects.toMatchObject({ code: 'DEPENDENCY' });
});

test('the cluster cannot be reached when no controller answers', async () => {
  const { overSocket } = await open();
  await expect(overSocket('controller').call('system.info', {})).rejects.toMatchObject({ code: 'NETWORK' });
});
