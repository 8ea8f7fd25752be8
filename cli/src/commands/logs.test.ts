import { VoltError } from '@volt/shared/errors';
import { describe, expect, test } from 'vitest';
import { offlineWith, temporaryFolder, volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';
import { controllerHome } from './testing.ts';

const at = '2026-01-01T11:59:00.000Z';

const instance = (name: string, node: string, workload: string | null = null) => ({
  name,
  node,
  workload,
  state: 'running',
  address: null,
  image: 'nginx',
  reason: null,
  startedAt: null,
});

/** Prints one line for each container it has, and NOT_FOUND for any other. */
const logsOf =
  (...names: string[]): Answer =>
  async ({ params, options }, { emit }) => {
    const name = String(params['name']);
    const isHere = names.includes(name) || names.includes(`${options.node}/${name}`);
    if (!isHere) throw new VoltError('NOT_FOUND', `There is no container '${name}'`);
    await emit({ at, name, text: `hello from ${name}` });
    return {};
  };

test('one container: what it printed and nothing else', async () => {
  const { code, stdout, asked } = await volt('logs web --tail 5 -f', { answers: { 'container.logs': logsOf('web') } });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello from web\n' });
  expect(asked[0]?.params).toEqual({ name: 'web', follow: true, tail: 5, earlier: false });
});

test('several: each line says whose it is', async () => {
  const { stdout } = await volt('logs web db', { answers: { 'container.logs': logsOf('web', 'db') } });
  expect(stdout.trimEnd().split('\n').sort()).toEqual(['db  | hello from db', 'web | hello from web']);
});

test('several: by time, under names of one width', async () => {
  const lines = (name: string, ...seconds: number[]) =>
    seconds.map((second) => ({
      at: `2026-01-01T11:59:0${second}.000Z`,
      name,
      text: String(second),
    }));
  const printed: Record<string, object[]> = { web: lines('web', 1, 4), 'long-one': lines('long-one', 2, 3) };
  const answers: Record<string, Answer> = {
    'container.logs': async ({ params }, { emit }) => {
      for (const line of printed[String(params['name'])]!) await emit(line);
      return {};
    },
  };
  const { stdout } = await volt('logs web long-one', { answers });
  expect(stdout).toBe('web      | 1\nlong-one | 2\nlong-one | 3\nweb      | 4\n');
  const painted = (await volt('logs web long-one --color always', { answers })).stdout;
  expect(painted).toMatch(/\d+mweb {6}\|.*m 1$/m);
  expect((await volt('logs web long-one --no-color', { answers })).stdout).toBe(stdout);
});

test('times are those of this machine, and the agent is told of moments', async () => {
  const { asked } = await volt(['logs', 'web', '--since', '10m', '--until', '2026-01-01T11:59:00Z', '-g', 'a b'], {
    answers: { 'container.logs': logsOf('web') },
  });
  expect(asked[0]?.params).toEqual({
    name: 'web',
    follow: false,
    earlier: false,
    since: '2026-01-01T11:50:00.000Z',
    until: '2026-01-01T11:59:00.000Z',
    grep: 'a b',
  });
});

test.each([
  ['logs web --since soon', "'--since' does not understand 'soon'"],
  ['logs web --since 1h --until 2h', "'--since' is after '--until'"],
  ['logs web -f --until now', 'What is followed has no end'],
])('%s', async (words, complaint) => {
  const { code, stderr, asked } = await volt(words, { answers: { 'container.logs': logsOf('web') } });
  expect({ code, asked }).toEqual({ code: 2, asked: [] });
  expect(stderr).toContain(complaint);
});

test('an agent that is started again is asked for the rest', async () => {
  let times = 0;
  const answers: Record<string, Answer> = {
    'container.logs': async (_, { emit }) => {
      await emit({ at, name: 'web', text: 'one' });
      if (times++ === 0) throw new VoltError('DAEMON', 'The agent closed the connection');
      await emit({ at, name: 'web', text: 'two' });
      return {};
    },
  };
  const { code, stdout, asked } = await volt('logs web -f', { answers });
  expect({ code, stdout }).toEqual({ code: 0, stdout: 'one\ntwo\n' });
  expect(asked[1]?.params).toEqual({ name: 'web', follow: true, earlier: false, since: at });
});

test('time stamps', async () => {
  const { stdout } = await volt('logs web -t', { answers: { 'container.logs': logsOf('web') } });
  expect(stdout).toBe(`${at} hello from web\n`);
});

test('json is one object a line', async () => {
  const { stdout } = await volt('logs web -o json', { answers: { 'container.logs': logsOf('web') } });
  expect(stdout).toBe(`${JSON.stringify({ at, name: 'web', text: 'hello from web' })}\n`);
});

test('a terminal is not moved about by what is printed, and colours pass', async () => {
  const answers = {
    'container.logs': async (_: unknown, { emit }: { emit: (event: unknown) => Promise<void> }) => {
      await emit({ at, name: 'web', text: '\u001B[31mred\u001B[0m\u001B[2Jgone\u0007' });
      return {};
    },
  };
  const terminal = new FakeTerminal({ columns: 80 });
  expect((await volt('logs web', { answers, terminal })).stdout).toBe('\u001B[31mred\u001B[0m[2Jgone\n');
});

describe('with a controller context', () => {
  const rows = [instance('web-0', 'n1', 'web'), instance('web-1', 'n2', 'web'), instance('db', 'n2')];
  const answers = { 'instance.list': () => rows, 'container.logs': logsOf('n1/web-0', 'n2/web-1', 'n2/db') };
  const env = () => ({ XDG_CONFIG_HOME: controllerHome(temporaryFolder()) });

  test('a workload stands for all of its copies, wherever they are', async () => {
    const { stdout } = await volt('logs web', { answers, env: env() });
    expect(stdout.trimEnd().split('\n').sort()).toEqual(['web-0 | hello from web-0', 'web-1 | hello from web-1']);
  });

  test('a container is found on its node', async () => {
    expect((await volt('logs db', { answers, env: env() })).stdout).toBe('hello from db\n');
  });

  test('what runs nowhere is compared with what does', async () => {
    const { code, stderr } = await volt('logs wbe', { answers, env: env() });
    expect(code).toBe(3);
    expect(stderr).toBe("error: Nothing called 'wbe' runs in the cluster\nhint: did you mean 'web'?\n");
  });

  test('--node asks that node only', async () => {
    const { stdout, asked } = await volt('logs web-1 --node n2', { answers, env: env() });
    expect(stdout).toBe('hello from web-1\n');
    expect(asked.map(({ method }) => method)).toEqual(['container.logs']);
  });
});

describe('on the socket of a node in a cluster', () => {
  test('what is not here is looked for elsewhere', async () => {
    const answers = { 'instance.list': () => [instance('web-0', 'n2', 'web')], 'container.logs': logsOf('n2/web-0') };
    const { stdout, asked } = await volt('logs web', { answers });
    expect(stdout).toBe('hello from web-0\n');
    expect(asked.map(({ options }) => options.scope)).toEqual([undefined, 'controller', 'controller']);
  });

  test('without a cluster the answer of the agent stands', async () => {
    const { code, stderr } = await volt('logs web', { answers: { 'container.logs': logsOf() } });
    expect(code).toBe(3);
    expect(stderr).toContain("There is no container 'web'");
  });
});

describe('with the agent down', () => {
  test('the journal is read, and that is said', async () => {
    const offline = offlineWith({}, [{ at, name: 'web', text: 'from the journal' }]);
    const { code, stdout, stderr } = await volt('logs web', { offline });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: 'from the journal\n',
      stderr: 'agent is down: read from systemd\n',
    });
  });

  test('an unknown name stays unknown', async () => expect((await volt('logs web')).code).toBe(3));
});
