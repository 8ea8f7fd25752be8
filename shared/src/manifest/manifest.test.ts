import { describe, expect, test } from 'vitest';
import { VoltError } from '../errors/index.ts';
import { WorkloadSpec } from '../model/index.ts';
import { parseManifest } from './parse.ts';
import { ManifestWorkload, toSpec } from './schema.ts';
import { parseCpuMillis, parseMemoryMiB } from './units.ts';

const read = (text: string) => parseManifest(text, 'web.yaml');

function refusal(text: string): VoltError {
  try {
    read(text);
  } catch (thrown) {
    if (thrown instanceof VoltError) return thrown;
    throw thrown;
  }
  throw new Error('It was accepted');
}

describe('what is accepted', () => {
  test('one workload', () => {
    expect(read('name: web\nimage: nginx\nreplicas: 3\n')).toMatchObject([
      { name: 'web', image: 'nginx', replicas: 3 },
    ]);
  });

  test('several documents, empty ones left out', () => {
    const names = read('---\nname: a\nimage: x\n---\n---\nname: b\nimage: x\n').map(({ name }) => name);
    expect(names).toEqual(['a', 'b']);
  });

  test('a list of workloads', () => {
    const text = 'workloads:\n  - { name: a, image: x }\n  - { name: b, image: x }\n';
    expect(read(text).map(({ name }) => name)).toEqual(['a', 'b']);
  });

  test('JSON', () => expect(read('{"name": "web", "image": "nginx"}')).toMatchObject([{ name: 'web' }]));

  test('memory and cpu in the units of people', () => {
    expect(read('name: web\nimage: x\nmemory: 1.5GiB\ncpu: 0.5\n')).toMatchObject([
      { memoryMiB: 1536, cpuMillis: 500 },
    ]);
  });

  test('numbers and truths in the environment become text', () => {
    expect(read('name: web\nimage: x\nenv: { PORT: 80, TLS: true }\n')).toMatchObject([
      { env: { PORT: '80', TLS: 'true' } },
    ]);
  });

  test('a command of one line is split as a shell would', () => {
    const [web] = read(`name: web\nimage: x\ncommand: nginx -g 'daemon off;'\n`);
    expect(web?.command).toEqual(['nginx', '-g', 'daemon off;']);
  });

  test.each([
    ['http: 80', { http: '80' }],
    ['http: 8080/ready', { http: '8080/ready' }],
    ['{ tcp: 5432, interval: 10s, restart: true }', { tcp: 5432, interval: '10s', restart: true }],
    [`cmd: sh -c 'test -e /ok'`, { cmd: ['sh', '-c', 'test -e /ok'] }],
    ['{ cmd: [pg_isready, -q], startPeriod: 1m }', { cmd: ['pg_isready', '-q'], startPeriod: '1m' }],
  ])('how copies are checked: %s', (text, health) => {
    expect(read(`name: web\nimage: x\nhealth:\n  ${text}\n`)).toMatchObject([{ health }]);
  });

  test.each(['{}', 'interval: 10s', '{ tcp: 80, http: 80 }', 'http: /ready', '{ tcp: 80, often: true }', 'tcp: 0'])(
    'a check that cannot be meant is refused: %s',
    (text) => expect(refusal(`name: web\nimage: x\nhealth:\n  ${text}\n`)).toMatchObject({ code: 'INVALID_CONFIG' }),
  );

  test('the words of volt run for how containers are run', () => {
    const text = `
name: web
image: x
limits: { memory: 1G, pids: 100, ulimits: [nofile=1024] }
netBind: [80]
fsWrite: [/srv]
capAdd: [net_raw]
readOnly: true
user: www
secrets: ['db:/etc/db,mode=0440']
configs: [web]
devices: [fuse]
addHosts: ['db:10.0.0.9']
dns: [9.9.9.9]
`;
    expect(read(text)).toMatchObject([
      {
        limits: { memory: '1G', pids: 100, ulimits: ['nofile=1024'] },
        netBind: [80],
        secrets: ['db:/etc/db,mode=0440'],
        devices: ['fuse'],
      },
    ]);
    expect(refusal('name: web\nimage: x\nsecrets: [../x]\n').message).toContain('is no name of a secret');
    expect(refusal('name: web\nimage: x\nlimits: { memroy: 1G }\n').message).toContain("Unknown key 'memroy'");
  });

  test('anchors carry what several share', () => {
    const text = 'workloads:\n  - { name: a, image: x, env: &e { K: v } }\n  - { name: b, image: x, env: *e }\n';
    expect(read(text)[1]?.env).toEqual({ K: 'v' });
  });
});

describe('what is refused, with its place', () => {
  test('malformed YAML', () => {
    const error = refusal('name: web\nimage: [nginx\nreplicas: 3\n');
    expect(error.code).toBe('INVALID_CONFIG');
    expect(error.message).toMatch(/^web\.yaml:3:\d+: /);
  });

  test('an unknown key, with what was meant', () => {
    const error = refusal('name: web\nimage: nginx\nreplicsa: 3\n');
    expect(error.message).toBe("web.yaml:3:1: Unknown key 'replicsa'\n 3 | replicsa: 3\n   | ^^^^^^^^");
    expect(error.hint).toBe("did you mean 'replicas'?");
  });

  test('a value of the wrong type', () => {
    expect(refusal('name: web\nimage: nginx\nreplicas: many\n').message).toBe(
      "web.yaml:3:11: 'replicas': expected number, received string\n 3 | replicas: many\n   |           ^^^^",
    );
  });

  test('a missing key, at its workload', () => {
    const error = refusal('workloads:\n  - name: a\n    image: x\n  - name: b\n');
    expect(error.message).toBe("web.yaml:4:5: 'image' is missing\n 4 |   - name: b\n   |     ^");
  });

  test('a place in the second document counts from the top of the file', () => {
    expect(refusal('name: a\nimage: x\n---\nname: B\nimage: x\n').message).toMatch(
      /^web\.yaml:4:7: 'name': A workload/,
    );
  });

  test('a key twice', () =>
    expect(refusal('name: a\nname: b\nimage: x\n').message).toMatch(/^web\.yaml:2:1: .*unique/));
  test('a workload twice', () => {
    expect(refusal('name: a\nimage: x\n---\nname: a\nimage: y\n').message).toMatch(
      /^web\.yaml:4:7: 'a' is described twice/,
    );
  });
  test('memory without a unit', () => {
    expect(refusal('name: a\nimage: x\nmemory: 512\n').message).toContain(
      "3:9: 'memory': must be an amount with its unit",
    );
  });
  test('a name that could be a path', () => expect(refusal('name: ../etc\nimage: x\n').message).toContain('1:7'));
  test('text instead of keys', () =>
    expect(refusal('just words\n').message).toMatch(/^web\.yaml:1:1: A document must/));
  test('an alias to nothing', () => expect(refusal('name: *a\nimage: x\n').message).toMatch(/^web\.yaml:1:/));
  test('an empty file', () => expect(refusal('# nothing\n').message).toBe('web.yaml: no workload in it'));
  test('keys beside the list', () => {
    expect(refusal('workloads: []\nname: a\n').message).toMatch(/^web\.yaml:2:1: 'name' cannot stand beside/);
  });
  test('more than a file should hold', () => expect(refusal(`# ${'x'.repeat(2 ** 20)}`).message).toContain('1024 KiB'));

  test('several problems at once', () => {
    const error = refusal('name: a\nimage: x\nbad: 1\nworse: 2\n');
    expect(error.message.split('\n').filter((line) => line.startsWith('web.yaml:'))).toHaveLength(2);
  });
});

test('every field of a workload can be written in a manifest', () => {
  const named: Record<string, string> = { memoryMiB: 'memory', cpuMillis: 'cpu' };
  for (const field of Object.keys(WorkloadSpec.shape)) {
    expect(Object.keys(ManifestWorkload.shape), `add '${field}' to manifest/schema.ts`).toContain(
      named[field] ?? field,
    );
  }
});

test('what a manifest makes is a spec', () => {
  const parsed = ManifestWorkload.parse({ name: 'a', image: 'x', memory: '64M', cpu: 1, env: { A: 1 } });
  expect(WorkloadSpec.parse(toSpec(parsed))).toMatchObject({ memoryMiB: 64, cpuMillis: 1000, env: { A: '1' } });
});

describe('units', () => {
  test.each([
    ['512MiB', 512],
    ['1G', 1024],
    ['1GB', 954],
    ['1 KiB', 1],
    ['512', undefined],
    ['1X', undefined],
    ['-1G', undefined],
  ])('memory %s', (text, expected) => expect(parseMemoryMiB(text)).toBe(expected));

  test.each([
    [0.5, 500],
    [0.07, 70],
    ['2', 2000],
    ['500m', undefined],
    [-1, undefined],
  ])('cpu %s', (cores, expected) => expect(parseCpuMillis(cores)).toBe(expected));
});
