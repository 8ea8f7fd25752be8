/** Commands that read files: deploy apply, image import, cluster join. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

const row = { name: 'web', image: 'nginx', replicas: 3, running: 0, generation: 1, state: 'progressing', reason: null };

function file(name: string, text: string | Uint8Array): string {
  const path = join(temporaryFolder(), name);
  writeFileSync(path, text);
  return path;
}

describe('deploy apply', () => {
  const answers = { 'deploy.apply': () => [row] };

  test('sends what the file says, through the agent to a controller', async () => {
    const path = file('web.yaml', 'name: web\nimage: nginx\nreplicas: 3\nmemory: 64MiB\n');
    const { code, stdout, asked } = await volt(['deploy', 'apply', '-f', path], { answers });
    expect(code).toBe(0);
    expect(stdout).toContain('web   nginx  3         0        progressing  -');
    expect(asked[0]?.params).toMatchObject({
      workloads: [{ name: 'web', image: 'nginx', replicas: 3, memoryMiB: 64 }],
    });
    expect(asked[0]?.options.scope).toBe('controller');
  });

  test('takes several files and standard input at once', async () => {
    const path = file('a.json', '{"name": "a", "image": "x"}');
    const terminal = new FakeTerminal({ input: 'name: b\nimage: x\n---\nname: c\nimage: x\n' });
    const { asked } = await volt(['deploy', 'apply', '-f', path, '-f', '-'], { answers, terminal });
    expect(asked[0]?.params).toMatchObject({ workloads: [{ name: 'a' }, { name: 'b' }, { name: 'c' }] });
  });

  test.each([
    ['malformed YAML', 'name: web\nimage: [\n', /^error: .*bad\.yaml:3:1: .*\n/],
    [
      'an unknown key',
      'name: web\nimage: x\nreplica: 1\n',
      /bad\.yaml:3:1: Unknown key 'replica'\n 3 \| replica: 1\n {3}\| \^{7}\nhint: did you mean 'replicas'\?\n$/,
    ],
    ['nothing', '', /bad\.yaml: no workload in it/],
  ])('%s is shown with its place, exits 12, and nothing is sent', async (_what, text, expected) => {
    const good = file('good.yaml', 'name: a\nimage: x\n');
    const { code, stderr, asked } = await volt(['deploy', 'apply', '-f', good, '-f', file('bad.yaml', text)], {
      answers,
    });
    expect(code).toBe(12);
    expect(stderr).toMatch(expected);
    expect(asked).toEqual([]);
  });

  test('one name in two files', async () => {
    const words = [
      'deploy',
      'apply',
      '-f',
      file('a.yaml', 'name: a\nimage: x\n'),
      '-f',
      file('b.yaml', 'name: a\nimage: y\n'),
    ];
    expect(await volt(words, { answers })).toMatchObject({ code: 12, asked: [] });
  });

  test('an absent file', async () => {
    expect(await volt('deploy apply -f /nonexistent/web.yaml', { answers })).toMatchObject({
      code: 3,
      stderr:
        "error: There is no file '/nonexistent/web.yaml'\nhint: give a file that is there, or - for standard input\n",
      asked: [],
    });
  });

  test('a mistyped file', async () => {
    const path = file('web.yaml', '').replace('web', 'wbe');
    expect((await volt(['deploy', 'apply', '-f', path], { answers })).stderr).toContain("did you mean 'web.yaml'?");
  });
});

describe('image import', () => {
  /** Says how many bytes arrived, and whether they were all. */
  const count: Answer = async ({ params }, { input }) => {
    let size = 0;
    for await (const frame of input as AsyncIterable<{ kind: string; data: string }>) {
      if (frame.kind === 'eof')
        return { name: params['name'], digest: 'ab'.repeat(32), sizeBytes: size, files: 1, createdAt: 'x' };
      size += Buffer.from(frame.data, 'base64').length;
    }
    throw new Error('cut short');
  };
  const answers = { 'image.import': count };

  test('streams a file of any size', async () => {
    const path = file('root.tar', new Uint8Array(1_000_000));
    const { code, stdout, asked } = await volt(
      ['image', 'import', 'base', path, '--entrypoint', '/sbin/init -x', '-o', 'json'],
      { answers },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: 1_000_000 });
    expect(asked[0]?.params).toEqual({ name: 'base', config: { entrypoint: ['/sbin/init', '-x'] } });
  });

  test('streams standard input', async () => {
    const { stdout } = await volt('image import base -o json', {
      answers,
      terminal: new FakeTerminal({ input: 'tar' }),
    });
    expect(JSON.parse(stdout)).toMatchObject({ sizeBytes: 3 });
  });

  test('does not wait for a person to type an archive', async () => {
    expect(await volt('image import base', { answers, terminal: new FakeTerminal({ columns: 80 }) })).toMatchObject({
      code: 2,
      asked: [],
    });
  });

  test('an absent file sends nothing', async () => {
    expect(await volt('image import base /nonexistent.tar', { answers })).toMatchObject({ code: 3, asked: [] });
  });
});

describe('cluster', () => {
  const token = `volt1.${'a'.repeat(40)}`;
  const joined = { 'cluster.join': () => ({ cluster: 'volt', node: 'n2', roles: ['agent'] }) };
  const join2 = ['cluster', 'join', '192.0.2.1:7444', '--address', '192.0.2.2'];

  test('init prints a command that joins, and the token apart from it', async () => {
    const made = { cluster: 'volt', node: 'n1', address: '192.0.2.1', join: token };
    const { stdout, stderr } = await volt('cluster init', { answers: { 'cluster.init': () => made } });
    const [command = '', ...rest] = stdout.split('\n');
    expect(rest).toEqual([token, '']);
    const terminal = new FakeTerminal({ input: `${token}\n`, columns: 80 });
    const { asked } = await volt(command.replace('volt ', ''), { answers: joined, terminal });
    expect(asked[0]?.params).toEqual({ controller: '192.0.2.1:7444', token });
    expect(stderr).toContain("Cluster 'volt' has its first node, 'n1'.");
  });

  test('join takes the token from a file', async () => {
    const { code, stderr, asked } = await volt([...join2, '--token-file', file('token', `${token}\n`)], {
      answers: joined,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(asked[0]?.params).toEqual({ controller: '192.0.2.1:7444', address: '192.0.2.2', token });
  });

  test('from the environment', async () => {
    const { asked } = await volt(join2, { answers: joined, env: { VOLT_TOKEN: token } });
    expect(asked[0]?.params).toMatchObject({ token });
  });

  test('from what is piped in', async () => {
    const { asked } = await volt(join2, { answers: joined, terminal: new FakeTerminal({ input: `${token}\n` }) });
    expect(asked[0]?.params).toMatchObject({ token });
  });

  test('from the command line, with a warning', async () => {
    const { code, stderr, asked } = await volt([...join2, '--token', token, '--node', 'n2'], { answers: joined });
    expect(code).toBe(0);
    expect(stderr).toContain('warning: other users of this machine can see the token');
    expect(asked[0]?.params).toMatchObject({ token, node: 'n2' });
    expect(asked[0]?.options.node).toBeUndefined();
  });

  test('what is no token is not sent, and not repeated', async () => {
    const { code, stderr, asked } = await volt(join2, { answers: joined, env: { VOLT_TOKEN: 'hunter2' } });
    expect({ code, asked }).toEqual({ code: 2, asked: [] });
    expect(stderr).not.toContain('hunter2');
  });
});
