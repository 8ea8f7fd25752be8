/** A person's own machine: a context with a controller's address and a certificate reaches every node. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, formCluster } from '../cluster/index.ts';
import type { Lab, Outcome } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';
import { applyWeb, importWeb, mend, pageOf, untilServing, type Instance } from './cluster-web.ts';

const WEB = { name: 'web', replicas: 3 };
const SIGINT_EXIT = 13;

let folder: string;
let binary: string;

const environment = () => ({ PATH: process.env['PATH'], HOME: folder, XDG_CONFIG_HOME: folder });

/** The built `volt` on the host, with contexts of its own. */
async function volt(...args: readonly string[]): Promise<Outcome> {
  const { promise, resolve } = Promise.withResolvers<Outcome>();
  const child = execFile(binary, args, { env: environment(), timeout: 60_000 }, (_error, stdout, stderr) => {
    resolve({ code: child.exitCode ?? -1, stdout, stderr });
  });
  child.stdin?.end('from afar');
  return promise;
}

async function voltJson<T>(...args: readonly string[]): Promise<T> {
  const { code, stdout, stderr } = await volt(...args, '-o', 'json');
  expect({ args, code, stderr }).toMatchObject({ code: 0 });
  return JSON.parse(stdout) as T;
}

const contextOf = (node: number): string => `through-node${node}`;

/** Through every controller, each with the certificate that `cluster init` made for people. */
async function addContexts(lab: Lab): Promise<void> {
  const files = ['ca.crt', 'admin.crt', 'admin.key'];
  for (const name of files) {
    await writeFile(join(folder, name), await lab.node(1).sh(`cat /etc/volt/cluster/${name}`), { mode: 0o600 });
  }
  const [ca, cert, key] = files.map((name) => join(folder, name));
  for (const { index } of lab.nodes) {
    const host = `https://127.0.0.1:${await lab.hostPort('controller', index)}`;
    const pems = ['--ca', ca!, '--cert', cert!, '--key', key!];
    expect(await volt('context', 'add', contextOf(index), '--host', host, ...pems)).toMatchObject({ code: 0 });
  }
}

beforeAll(async () => {
  const lab = await openTestLab();
  await formCluster(lab);
  await importWeb(lab.node(1));
  await applyWeb(lab.node(1), WEB);
  await untilServing(lab.node(1), WEB);
  folder = await mkdtemp(join(tmpdir(), 'volt-remote-'));
  binary = join(lab.paths.bin, 'volt');
  await addContexts(lab);
});

afterAll(async () => {
  await mend(await openTestLab());
  await rm(folder, { recursive: true, force: true });
});

test(
  'every node answers through every controller',
  withEvidence('remote nodes', async (lab) => {
    for (const { index } of lab.nodes) {
      const context = ['--context', contextOf(index)];
      const all = await voltJson<Instance[]>('ps', ...context);
      expect(all.map(({ name }) => name).toSorted()).toEqual(['web-0', 'web-1', 'web-2']);
      for (const { name, node } of all) {
        const there = await voltJson<Instance[]>('container', 'list', ...context, '--node', node);
        expect(there).toMatchObject([{ name, state: 'running' }]);
        const info = await voltJson<object | [object]>('system', 'info', ...context, '--node', node);
        expect([info].flat()).toMatchObject([{ node, program: 'voltd' }]);
      }
    }
    expect(await volt('container', 'list', '--context', contextOf(1), '--node', 'node9')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("There is no node 'node9'"),
    });
  }),
);

test(
  'a program runs in a container of another node, with input, both outputs and its exit code',
  withEvidence('remote exec', async (lab) => {
    const script = 'read -r line; echo "got $line"; echo "said $COLOUR" >&2; exit 42';
    for (const { index } of lab.nodes) {
      for (const name of ['web-0', 'web-1', 'web-2']) {
        const outcome = await volt('exec', name, '-i', '--context', contextOf(index), '--', 'sh', '-c', script);
        expect(outcome).toEqual({ code: 42, stdout: 'got from afar\n', stderr: 'said blue\n' });
      }
    }
  }),
);

test(
  'the output of all copies of a workload is one, by time, whichever node they are on',
  withEvidence('remote logs of many', async (lab) => {
    const through = ['--context', contextOf(1)];
    const all = await voltJson<Instance[]>('ps', ...through);
    // Each is asked in turn, so each has a line of its own time.
    for (const { address, node } of all) await pageOf(lab.node(Number(node.replace('node', ''))), address!);
    const lines = await eventually('each has said something', async () => {
      const { code, stdout } = await volt('logs', 'web', '-o', 'ndjson', '--grep', '^answered', ...through);
      const rows = stdout.trimEnd().split('\n').filter(Boolean);
      const parsed = rows.map((row) => JSON.parse(row) as { at: string; name: string });
      const isWhole = code === 0 && new Set(parsed.map(({ name }) => name)).size === all.length;
      return isWhole ? parsed : false;
    });
    expect(lines.map(({ at }) => at)).toEqual(lines.map(({ at }) => at).toSorted());
    const { stdout } = await volt('logs', 'web', '--tail', '1', ...through);
    expect(
      stdout
        .match(/^web-\d \| /gm)
        ?.map((name) => name.slice(0, 5))
        .toSorted(),
    ).toEqual(['web-0', 'web-1', 'web-2']);
    expect((await volt('logs', 'web', '--grep', '[', ...through)).code).toBe(2);
  }),
);

test(
  'the output of a container of another node is followed as it comes',
  withEvidence('remote logs', async (lab) => {
    const through = contextOf(1);
    const [found] = (await voltJson<Instance[]>('ps', '--context', through)).filter(({ node }) => node === 'node3');
    const args = ['logs', found!.name, '-f', '--tail', '0', '--context', through];
    const child = spawn(binary, args, { env: environment(), stdio: ['ignore', 'pipe', 'pipe'] });
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const first = lines.next();
      // What is printed before the journal is followed is not shown, so pages are fetched until a line comes.
      let isHeard = false;
      void first.finally(() => (isHeard = true));
      await eventually('a line comes', async () => {
        await pageOf(lab.node(2), found!.address!);
        return isHeard;
      });
      expect((await first).value).toBe('answered GET / HTTP/1.1');
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number];
      expect(code).toBe(SIGINT_EXIT);
    } finally {
      child.kill('SIGKILL');
    }
  }),
);
