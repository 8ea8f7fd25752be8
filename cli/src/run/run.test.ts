import { errorCodes, VoltError, type ErrorCode } from '@volt/shared/errors';
import { describe, expect, test } from 'vitest';
import { FakeTerminal } from '../terminal/testing.ts';
import { offlineWith, volt } from './testing.ts';

const web = { name: 'web', image: 'nginx', state: 'running', address: '10.0.0.2', pid: 7, exitCode: null };
const status = { ...web, reason: null, startedAt: null, createdAt: '2026-01-01T11:00:00Z' };

/** What one line of words makes of the params of its method. */
async function params(line: string | readonly string[], method: string, env: Record<string, string> = {}) {
  const { code, stderr, asked } = await volt(line, { answers: { [method]: () => status }, env });
  expect(stderr).toBe('');
  expect(code).toBe(0);
  return asked[0]!.params;
}

async function refused(line: string | readonly string[], env: Record<string, string> = {}) {
  const { code, stderr, asked } = await volt(line, { env });
  expect(asked, 'nothing is sent').toEqual([]);
  expect(code).toBe(2);
  return stderr;
}

describe('words become params', () => {
  test('arguments by position', async () => {
    expect(await params('run web nginx', 'container.run')).toEqual({ name: 'web', image: 'nginx' });
  });
  test('words behind -- are the program, flags and all', async () => {
    expect(await params('run web nginx -- sh -c exit', 'container.run')).toMatchObject({
      command: ['sh', '-c', 'exit'],
    });
  });
  test('one word behind -- stays one word', async () => {
    expect(await params(['run', 'web', 'nginx', '--', 'a b'], 'container.run')).toMatchObject({ command: ['a b'] });
  });
  test('records, repeated', async () => {
    expect(await params('run web nginx -e A=1 -e B=x=y', 'container.run')).toMatchObject({ env: { A: '1', B: 'x=y' } });
  });
  test('-e KEY hands on our own', async () => {
    expect(await params('run web nginx -e A', 'container.run', { A: 'mine' })).toMatchObject({ env: { A: 'mine' } });
  });
  test('either number of a repeated flag', async () => {
    const made = await params('run web nginx --label a=1 --labels b=2', 'container.run');
    expect(made).toMatchObject({ labels: { a: '1', b: '2' } });
  });
  test('a switch that is on by default is turned off', async () => {
    expect(await params('run web nginx --no-autostart', 'container.run')).toMatchObject({ boot: false });
  });
  test('numbers', async () => {
    expect(await params('container stop web -t 60', 'container.stop')).toEqual({ name: 'web', grace: 60 });
  });
  test('a number by position', async () => {
    expect(await params('deploy scale web 5', 'deploy.scale')).toEqual({ name: 'web', replicas: 5 });
  });
  test('flags before, within and after the command', async () => {
    expect(await params('-o json container --timeout 5s list --quiet', 'container.list')).toEqual({});
  });
  test('flag and value in one word', async () => {
    expect(await params('container stop web --grace=60', 'container.stop')).toMatchObject({ grace: 60 });
  });

  test('a list whose items have commas is one item for each use', async () => {
    const line = 'run web nginx -v a:/a:ro --mount type=tmpfs,target=/b --tmpfs /c:size=1M,mode=700';
    expect(await params(line, 'container.run')).toMatchObject({
      volumes: ['a:/a:ro'],
      mounts: ['type=tmpfs,target=/b'],
      tmpfs: ['/c:size=1M,mode=700'],
    });
  });

  test('lists by commas or by repeating, an argument list by the rules of a shell', async () => {
    const line = ['image', 'build', 'web', '-p', 'nginx,curl', '-p', 'less', '--entrypoint', "nginx -g 'daemon off;'"];
    expect(await params(line, 'image.build')).toEqual({
      name: 'web',
      packages: ['nginx', 'curl', 'less'],
      entrypoint: ['nginx', '-g', 'daemon off;'],
    });
  });
});

describe('what is wrong is said in one line, and nothing is sent', () => {
  test.each([
    ['container stop', "error: 'volt container stop' needs NAME\n"],
    ['container stop a b', "error: 'b' is one argument too many\n"],
    ['container stop web --grace soon', "error: '--grace' must be a number, not 'soon'\n"],
    ['container stop web --grace 4000', 'error: --grace: Too big'],
    ['container stop web --grace', "error: '--grace' needs a value\n"],
    ['container stop Web', 'error: NAME: A container name must be'],
    ['run web nginx -e =1', "error: '--env' must look like KEY=VALUE\n"],
    ['run web nginx -e GONE', "error: 'GONE' is not set in the environment\n"],
    ['container', "error: 'volt container' needs a verb: create, run,"],
    ['ps --timeout never', "error: '--timeout' must look like 500ms, 30s or 2m; not 'never'\n"],
    ['ps --host nowhere', "error: 'nowhere' is neither a path nor https://ADDRESS:PORT\n"],
  ])('%s', async (line, expected) => expect(await refused(line)).toContain(expected));

  test.each([
    ['contianer list', "hint: did you mean 'container'?\n"],
    ['container lsit', "hint: did you mean 'container list'?\n"],
    ['pss', "hint: did you mean 'ps'?\n"],
    ['stop web', 'hint: volt container stop\n'],
    ['rm web', 'hint: volt container delete, volt image delete, '],
    ['images', 'hint: volt image list\n'],
    ['pull web', 'hint: volt image pull\n'],
    ['container rm web', "hint: did you mean 'container delete'?\n"],
    ['volume ls', "hint: did you mean 'volume list'?\n"],
    ['run web nginx --restrat no', "hint: did you mean '--restart'?\n"],
    ['run web nginx --restart alway', "hint: did you mean 'always'?\n"],
    ['ps -o jsn', "hint: did you mean 'json'?\n"],
    ['exec web ls -l', 'hint: for the program'],
  ])('%s: what was meant', async (line, expected) => expect(await refused(line)).toContain(expected));

  test('a format in the environment that is none', async () => {
    expect(await refused('ps', { VOLT_OUTPUT: 'tabel' })).toContain('VOLT_OUTPUT must be one of table, wide');
  });
});

describe('exit codes', () => {
  test.each(Object.entries(errorCodes))('%s', async (name, { exit }) => {
    const code = name as ErrorCode;
    const fail = () => {
      throw new VoltError(code, 'It went wrong', { hint: 'do this', cause: new Error('secret detail') });
    };
    const result = await volt('container list', { answers: { 'container.list': fail } });
    expect(result).toMatchObject({ code: exit, stdout: '', stderr: 'error: It went wrong\nhint: do this\n' });
  });

  test('a bug shows no stack', async () => {
    const fail = () => {
      throw new TypeError('undefined is not a function');
    };
    const { code, stderr } = await volt('container list', { answers: { 'container.list': fail } });
    expect(code).toBe(1);
    expect(stderr).toBe('error: Internal error\nhint: VOLT_DEBUG=true shows more\n');
  });

  test('VOLT_DEBUG shows it', async () => {
    const fail = () => {
      throw new TypeError('undefined is not a function');
    };
    const { stderr } = await volt('container list', {
      answers: { 'container.list': fail },
      env: { VOLT_DEBUG: 'true' },
    });
    expect(stderr).toContain('caused by: TypeError: undefined is not a function\n    at ');
  });

  test('cancelled', async () => {
    const cancel = new AbortController();
    const answer = () => {
      cancel.abort();
      throw new VoltError('NETWORK', 'socket hang up');
    };
    const result = await volt('container list', { answers: { 'container.list': answer }, signal: cancel.signal });
    expect(result).toMatchObject({ code: 13, stderr: 'error: Interrupted\n' });
  });

  test('the agent is down', async () => {
    const { code, stderr } = await volt('container list');
    expect(code).toBe(6);
    expect(stderr).toContain('hint: systemctl start volt.socket');
  });
});

describe('output', () => {
  const answers = { 'container.list': () => [status] };

  test('a table', async () => {
    const { stdout } = await volt('container list', { answers });
    expect(stdout).toBe('NAME  STATE    IMAGE  ADDRESS\nweb   running  nginx  10.0.0.2\n');
  });
  test('names', async () => expect((await volt('container list -q', { answers })).stdout).toBe('web\n'));
  test('VOLT_OUTPUT', async () => {
    const { stdout } = await volt('container list', { answers, env: { VOLT_OUTPUT: 'json' } });
    expect(JSON.parse(stdout)).toEqual([status]);
  });
  test('a flag wins over VOLT_OUTPUT', async () => {
    expect((await volt('container list -o name', { answers, env: { VOLT_OUTPUT: 'json' } })).stdout).toBe('web\n');
  });
  test('an empty list is said aside', async () => {
    const result = await volt('container list', { answers: { 'container.list': () => [] } });
    expect(result).toMatchObject({ code: 0, stdout: '', stderr: 'No containers.\n' });
  });
  test('an empty list is [] for programs', async () => {
    const result = await volt('container list -o json', { answers: { 'container.list': () => [] } });
    expect(result).toMatchObject({ stdout: '[]\n', stderr: '' });
  });
  test('colours on a terminal', async () => {
    const { stdout } = await volt('container list', { answers, terminal: new FakeTerminal({ columns: 80 }) });
    expect(stdout).toContain('\u001B[32mrunning\u001B[0m');
  });

  const image = { name: 'web', digest: 'ab'.repeat(32), sizeBytes: 1024, files: 3, createdAt: '2026-01-01T12:00:00Z' };
  const building = {
    'image.build': async (_: unknown, { emit }: { emit: (event: unknown) => Promise<void> }) => {
      await emit({ line: 'Installing nginx' });
      return image;
    },
  };
  test('progress is aside, the result is the output', async () => {
    const { stdout, stderr } = await volt('image build web -o json', { answers: building });
    expect(stderr).toBe('Installing nginx\n');
    expect(JSON.parse(stdout)).toEqual(image);
  });
  test('with ndjson progress is part of it', async () => {
    const { stdout, stderr } = await volt('image build web -o ndjson', { answers: building });
    expect(stderr).toBe('');
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ line: 'Installing nginx' }, image]);
  });
  test('the quiet see no progress', async () => {
    expect(await volt('image build web -q', { answers: building })).toMatchObject({ stdout: 'web\n', stderr: '' });
  });
});

describe('names that do not exist', () => {
  const gone = () => {
    throw new VoltError('NOT_FOUND', "There is no container 'wbe'", { hint: 'volt container list' });
  };

  test('are compared with those that do', async () => {
    const answers = { 'container.stop': gone, 'container.list': () => [status] };
    const { code, stderr } = await volt('container stop wbe', { answers });
    expect(code).toBe(3);
    expect(stderr).toBe("error: There is no container 'wbe'\nhint: did you mean 'web'?\n");
  });

  test('keep the hint of the server when nothing is near', async () => {
    const answers = { 'container.stop': gone, 'container.list': () => [] };
    expect((await volt('container stop wbe', { answers })).stderr).toContain('hint: volt container list');
  });

  test('an image, too', async () => {
    const answers = { 'container.run': gone, 'image.list': () => [{ name: 'nginx:latest' }] };
    expect((await volt('run web ngnix', { answers })).stderr).toContain("did you mean 'nginx'?");
  });
});

describe('the agent of this machine is down', () => {
  const instance = { ...status, node: 'n1', workload: null };

  test('ps reads systemd, and says so', async () => {
    const offline = offlineWith({ 'instance.list': async () => [instance] });
    const { code, stdout, stderr } = await volt('ps -o name', { offline });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'web\n',
      stderr: 'agent is down: read from systemd\n',
    });
  });

  test('service list passes its flags on', async () => {
    const offline = offlineWith({ 'service.list': async (asked) => [{ name: JSON.stringify(asked) }] });
    expect((await volt('service list --all -o name', { offline })).stdout).toBe('{"all":true}\n');
  });

  test('where systemd cannot be asked either, the agent is what is missing', async () => {
    const offline = offlineWith({ 'instance.list': () => Promise.reject(new VoltError('DEPENDENCY', 'No bus')) });
    expect(await volt('ps', { offline })).toMatchObject({
      code: 6,
      stderr: expect.stringContaining('does not answer') as string,
    });
  });

  test('what changes something does not go behind its back', async () => {
    const offline = offlineWith({ 'instance.list': async () => [] });
    expect((await volt('container start web', { offline })).code).toBe(6);
  });

  test('another node is not this machine', async () => {
    const offline = offlineWith({ 'instance.list': async () => [instance] });
    expect((await volt('ps --node n2', { offline })).code).toBe(6);
  });
});

describe('help', () => {
  test('of everything', async () => expect((await volt('')).stdout).toContain('Usage: volt NOUN VERB'));
  test('of a noun', async () => expect((await volt('image --help')).stdout).toContain('Usage: volt image VERB'));
  test('of a command, whatever else is wrong', async () => {
    expect(await volt('container stop --nonsense --help')).toMatchObject({ code: 0, stderr: '' });
  });
  test('by its word', async () =>
    expect((await volt('help container stop')).stdout).toContain('Usage: volt container stop'));
  test('behind -- it belongs to the program', async () => {
    const answers = { 'container.run': () => status };
    expect((await volt('run web nginx -- sh --help', { answers })).asked[0]?.params).toMatchObject({
      command: ['sh', '--help'],
    });
  });

  test('teaches', async () => {
    expect((await volt('container stop --help')).stdout).toMatchInlineSnapshot(`
      "Stop a container and keep its files.

      Usage: volt container stop NAME [options]

      Arguments:
        NAME  Name of the container.

      Options:
        -t, --grace NUMBER  Seconds between asking it to stop and killing it; 10 unless the container says
                            otherwise.

      Global options:
        -o, --output WORD   How to print: ndjson is one JSON object a line. One of table, wide, json,
                            yaml, name, ndjson.
            --context NAME  Whom to talk to: a name of \`volt context list\`.
            --node NAME     Through the controller, to this node's agent.
            --host TEXT     Path of a socket or https://ADDRESS:PORT, instead of a context.
            --timeout TEXT  Give up after this long, such as 30s or 2m.
            --color WORD    When to colour the words for states; --no-color is never. One of auto, always,
                            never.
        -q, --quiet         Print names only, and no progress.
        -h, --help          Show help.

      Examples:
        volt container stop web
        volt container stop web --grace 60

      Exit codes:
         0  OK           It was done.
         1  GENERAL      A bug, or a failure nobody foresaw.
         2  USAGE        The command or its parameters are malformed.
         3  NOT_FOUND    The named thing does not exist.
         5  PERMISSION   The caller is unknown or not allowed.
         6  DAEMON       The agent or controller is not running.
         7  TIMEOUT      The deadline passed; the outcome is unknown.
         8  NETWORK      The other side could not be reached.
         9  CONFLICT     Someone changed it first; read again.
        10  DEPENDENCY   Something this needs is missing or failed.
        11  RESOURCE     No room: disk, memory, addresses or nodes.
        13  INTERRUPTED  The caller cancelled.
      "
    `);
  });
});

describe('ps on a node says that there is more in the cluster', () => {
  const of = async (line: string, workload: string | null, columns?: number) => {
    const row = { name: 'web-0', workload, node: 'n1', state: 'running', address: '10.0.0.2', image: 'nginx' };
    const terminal = new FakeTerminal(columns === undefined ? {} : { columns });
    return (await volt(line, { answers: { 'instance.list': () => [row] }, terminal })).stderr;
  };
  const said = 'This node only; the whole cluster: volt ps --context cluster\n';

  test('to a person', async () => expect(await of('ps', 'web', 100)).toBe(said));
  test('not in a pipe', async () => expect(await of('ps', 'web')).toBe(''));
  test('not where nothing is of the cluster', async () => expect(await of('ps', null, 100)).toBe(''));
  test('not of the cluster itself', async () => expect(await of('ps --context cluster', 'web', 100)).toBe(''));
  test('not of a node that was named', async () => expect(await of('ps --node n1', 'web', 100)).toBe(''));
});
