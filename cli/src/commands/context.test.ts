import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt } from '../run/testing.ts';
import { controllerHome } from './testing.ts';

const home = () => controllerHome(temporaryFolder());
const contextsFile = (folder: string) => join(folder, 'volt', 'contexts.yaml');
const nothing = {
  'container.list': () => [],
  'deploy.list': () => [],
  'instance.list': () => [],
  'node.list': () => [],
};

describe('the file', () => {
  test('is written for its owner only, with nothing left beside it', async () => {
    const folder = temporaryFolder();
    for (const what of ['ca', 'cert', 'key']) writeFileSync(join(folder, what), '-----BEGIN X-----');
    const files = ['ca', 'cert', 'key'].flatMap((what) => [`--${what}`, join(folder, what)]);
    const words = ['context', 'add', 'prod', '--host', 'https://192.0.2.1:7444', ...files];
    expect(await volt(words, { home: folder })).toMatchObject({ code: 0 });
    expect(statSync(contextsFile(folder)).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, 'volt'))).toEqual(['contexts.yaml']);
    expect((await volt('context show prod -o json', { home: folder })).stdout).toContain(join(folder, 'ca'));
  });

  test('that is malformed is named', async () => {
    const folder = home();
    writeFileSync(contextsFile(folder), 'contexts: [');
    const { code, stderr } = await volt('ps', { home: folder });
    expect(code).toBe(12);
    expect(stderr).toContain(contextsFile(folder));
  });

  test('that cannot be written leaves the old one', async () => {
    const folder = temporaryFolder();
    mkdirSync(contextsFile(folder), { recursive: true });
    expect((await volt('context use default', { home: folder })).code).toBe(5);
    expect(readdirSync(join(folder, 'volt'))).toEqual(['contexts.yaml']);
  });
});

describe('add', () => {
  test.each([
    ['context add prod --host /run/volt/volt.sock', 4],
    ['context add default --host /run/volt/volt.sock', 4],
    ['context add new --host https://192.0.2.1:7444', 2],
    ['context add new --host http://192.0.2.1:7444', 2],
    ['context add new --host /x.sock --ca /ca.pem', 2],
    ['context add new --host https://192.0.2.1:7444 --ca /nonexistent --cert /nonexistent --key /nonexistent', 3],
    ['context add ../up --host /x.sock', 2],
  ])('%s exits %d', async (line, code) => expect((await volt(line, { home: home() })).code).toBe(code));
});

test('list shows the built-in one, and which is current', async () => {
  const { stdout } = await volt('context list', { home: home() });
  expect(stdout).toMatchInlineSnapshot(`
    "NAME     CURRENT  KIND        HOST
    default  no       agent       /run/volt/volt.sock
    cluster  no       controller  /run/volt/volt.sock
    prod     yes      controller  https://192.0.2.1:7444
    edge     no       agent       https://192.0.2.9:7443
    "
  `);
});

test('use, then show', async () => {
  const folder = home();
  await volt('context use edge', { home: folder });
  expect((await volt('context show -o name', { home: folder })).stdout).toBe('edge\n');
});

test('use warns when the environment wins', async () => {
  const { stderr } = await volt('context use edge', { home: home(), env: { VOLT_CONTEXT: 'prod' } });
  expect(stderr).toBe('warning: VOLT_CONTEXT is set, and wins over this\n');
});

test('rm forgets it, and the current one falls back to the built-in', async () => {
  const folder = home();
  await volt('context rm prod', { home: folder });
  expect((await volt('context show -o name', { home: folder })).stdout).toBe('default\n');
  expect(await volt('context rm prod', { home: folder })).toMatchObject({ code: 3 });
  expect(await volt('context rm default', { home: folder })).toMatchObject({ code: 2 });
});

describe('whom a command talks to', () => {
  const where = async (line: string, env: Record<string, string> = {}, folder = home()) => {
    const { asked, stderr } = await volt(line, { answers: nothing, env, home: folder });
    const [first] = asked;
    if (first === undefined) return stderr;
    const { target, options } = first;
    const place = target.kind === 'socket' ? target.path : `${target.host}:${target.port}`;
    return [place, options.scope, options.node].filter(Boolean).join(' ');
  };

  test('by default the socket of this machine', async () => {
    expect(await where('container list', {}, temporaryFolder())).toBe('/run/volt/volt.sock');
  });
  test('the current context', async () => expect(await where('deploy list')).toBe('192.0.2.1:7444'));
  test('VOLT_CONTEXT', async () =>
    expect(await where('container list', { VOLT_CONTEXT: 'edge' })).toBe('192.0.2.9:7443'));
  test('--context wins over the environment', async () => {
    expect(await where('container list --context edge', { VOLT_CONTEXT: 'prod', VOLT_HOST: '/x.sock' })).toBe(
      '192.0.2.9:7443',
    );
  });
  test('VOLT_HOST is a socket', async () =>
    expect(await where('container list', { VOLT_HOST: '/x.sock' })).toBe('/x.sock'));
  test('--host as https takes the certificates of its context', async () => {
    expect(await where('container list --host https://192.0.2.9:7443')).toBe('192.0.2.9:7443');
  });
  test('--host of another controller takes those of the current one', async () => {
    expect(await where('deploy list --host https://192.0.2.2:7444')).toBe('192.0.2.2:7444');
  });
  test('a context that is not there', async () => {
    expect(await where('ps --context prd')).toBe("error: There is no context 'prd'\nhint: did you mean 'prod'?\n");
  });

  test('rows of one node need --node with a controller', async () => {
    expect(await where('container list')).toBe(
      "error: 'volt container list' asks one node: say which\nhint: add '--node NAME'; volt node list shows them\n",
    );
    expect(await where('container list --node n2')).toBe('192.0.2.1:7444 n2');
  });
  test('rows of the cluster need a controller', async () => {
    expect(await where('deploy list --context edge')).toBe(
      "error: 'volt deploy list' needs a controller context\nhint: volt context list\n",
    );
    expect(await where('deploy list --context default')).toBe('/run/volt/volt.sock controller');
    expect(await where('deploy list --node n2')).toContain("leave out '--node'");
  });
  test('rows of both are asked of whoever is there', async () => {
    expect(await where('ps')).toBe('192.0.2.1:7444');
    expect(await where('ps --context edge')).toBe('192.0.2.9:7443');
    expect(await where('ps --context default')).toBe('/run/volt/volt.sock');
    expect(await where('ps --context default --node n2')).toBe('/run/volt/volt.sock controller n2');
    expect(await where('ps --context edge --node n2')).toContain("'--node' needs a controller context");
  });
});
