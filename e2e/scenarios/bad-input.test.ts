/** What is wrong is said in one line, with the right exit code, and changes nothing. */
import { expect } from 'vitest';
import { volt, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { ARCHIVE, idle, onOneNode, run, whileDown } from './one-node.ts';

const FOLDER = '/var/lib/volt/scenarios/bad';

const { image, scenario } = onOneNode('bad');

const ONE_LINE = /^error: [^\n]+\n(hint: [^\n]+\n)?$/;

interface Case {
  readonly words: string;
  readonly code: number;
  /** In what is said. */
  readonly says?: string | RegExp;
}

/** All that a mistake could have changed. */
const state = (node: LabNode) =>
  node.sh(`
volt container list -o json; volt image list -o json; volt context list -o json
ls -AR /var/lib/volt/containers /etc/volt; find /root/.config 2> /dev/null || :`);

async function check(node: LabNode, cases: readonly Case[], shape = ONE_LINE): Promise<void> {
  const before = await state(node);
  for (const { words, code, says } of cases) {
    const outcome = await volt(node, words.split(' '));
    expect({ words, ...outcome }).toEqual({
      words,
      code,
      stdout: '',
      stderr: expect.stringMatching(shape) as string,
    });
    if (says !== undefined) expect(outcome.stderr).toMatch(says);
    expect(outcome.stderr).not.toMatch(/^\s+at /m);
  }
  expect(await state(node)).toBe(before);
}

scenario('names that nothing has: 3', async (node) => {
  await run(node, 'bad-web', image, idle);
  await check(node, [
    { words: 'container start bad-wbe', code: 3, says: "'bad-wbe'\nhint: did you mean 'bad-web'?" },
    { words: 'container stop bad-none', code: 3 },
    { words: 'container restart bad-none', code: 3 },
    { words: 'container inspect bad-none', code: 3 },
    { words: 'logs bad-none', code: 3 },
    { words: 'exec bad-none -- true', code: 3 },
    { words: 'run bad-new bad-nosuch', code: 3, says: "'bad-nosuch" },
    { words: `run bad-new ${image}:2`, code: 3 },
    { words: 'image inspect bad-nosuch', code: 3 },
    { words: 'image delete bad-nosuch', code: 3 },
    { words: `image import bad-new ${FOLDER}/nosuch.tar`, code: 3 },
    { words: `deploy apply -f ${FOLDER}/nosuch.yaml`, code: 3 },
    { words: '--context bad-none ps', code: 3 },
    { words: 'context use bad-none', code: 3 },
    { words: 'context rm bad-none', code: 3 },
  ]);
});

scenario('deleting a container that is not there is no mistake', async (node) => {
  expect(await voltText(node, ['container', 'delete', 'bad-none', '-o', 'json'])).toContain('false');
});

scenario('names that are taken: 4', async (node) => {
  await run(node, 'bad-web', image, idle);
  await check(node, [
    { words: `container create bad-web ${image}`, code: 4, says: "'bad-web' exists" },
    { words: `run bad-web ${image} -- sleep 5`, code: 4 },
  ]);
});

scenario('commands and params that are malformed: 2', async (node) => {
  await run(node, 'bad-web', image, idle);
  await check(node, [
    { words: 'contianer list', code: 2, says: "did you mean 'container'" },
    { words: 'container lsit', code: 2, says: "did you mean 'container list'" },
    { words: 'container stop', code: 2, says: 'needs NAME' },
    { words: 'container stop bad-web other', code: 2 },
    { words: 'container stop bad-web --grace soon', code: 2 },
    { words: 'container stop bad-web --grace 4000', code: 2 },
    { words: 'container stop bad-web --nosuch', code: 2 },
    { words: `run Bad_Web ${image}`, code: 2 },
    { words: `run bad- ${image}`, code: 2 },
    { words: `run ../etc ${image}`, code: 2 },
    { words: `run ${'a'.repeat(49)} ${image}`, code: 2 },
    { words: 'run bad-new ../image', code: 2 },
    { words: `run bad-new ${image} -e 1A=b`, code: 2 },
    { words: `run bad-new ${image} --restart sometimes`, code: 2 },
    { words: 'image build bad-new -p nginx;reboot', code: 2 },
    { words: `image import Bad/Name ${ARCHIVE}`, code: 2 },
    { words: 'ps -o tabel', code: 2, says: "did you mean 'table'" },
    { words: 'ps --timeout never', code: 2 },
    { words: 'ps --host nowhere', code: 2 },
    { words: 'exec bad-web -e LD_PRELOAD=/x -- true', code: 2 },
    { words: 'exec bad-web -t -- true', code: 2 },
    { words: 'cluster join nowhere --address 1.2.3.4 --token-file /dev/null', code: 2 },
  ]);
});

scenario('what the state of things forbids: 9', async (node) => {
  await run(node, 'bad-web', image, idle);
  await voltText(node, ['container', 'create', 'bad-idle', image]);
  await check(node, [
    { words: 'container delete bad-web', code: 9, says: '--force' },
    { words: 'exec bad-idle -- true', code: 9, says: 'container start bad-idle' },
  ]);
});

scenario('a socket behind which nobody is: 6', async (node) => {
  await check(node, [
    { words: 'system info --host /run/volt/nosuch.sock', code: 6, says: 'hint: systemctl start volt.socket' },
    { words: 'container list --host unix:///run/volt/nosuch.sock', code: 6 },
    { words: `run bad-new ${image} --host /run/volt/nosuch.sock`, code: 6 },
  ]);
});

scenario('a manifest that is wrong says in which line and column: 12', async (node) => {
  const manifests: Record<string, readonly [text: string, line: number, column: number]> = {
    'unbalanced.yaml': ['name: bad-web\nimage: [nginx\nreplicas: 3\n', 3, 1],
    'tabs.yaml': ['workloads:\n\t- name: bad-web\n', 2, 1],
    'unknown.yaml': ['name: bad-web\nimage: nginx\nreplcias: 3\n', 3, 1],
    'type.yaml': ['workloads:\n  - name: bad-web\n    image: nginx\n    replicas: many\n', 4, 15],
    'name.yaml': ['image: nginx\nname: Bad_Web\n', 2, 7],
    'twice.yaml': ['name: bad-web\nimage: nginx\nimage: debian\n', 3, 1],
    'missing.yaml': ['---\nname: bad-web\nimage: nginx\n---\nname: bad-db\n', 5, 1],
  };
  for (const [file, [text]] of Object.entries(manifests)) await node.writeFile(`${FOLDER}/${file}`, text);
  const cases = Object.entries(manifests).map(([file, [, line, column]]) => ({
    words: `deploy apply -f ${FOLDER}/${file}`,
    code: 12,
    says: new RegExp(`^error: ${FOLDER}/${file}:${line}:${column}: `),
  }));
  await check(node, cases, /^error: /);
});

scenario('settings of the agent that are wrong: 12', async (node) => {
  const before = await state(node);
  const mistakes: readonly (readonly [text: string, says: RegExp])[] = [
    ['log.level: [info\n', /^error: \/.*settings\.yaml:\d+:\d+: /],
    ['log.levle: info\n', /settings\.yaml: there is no setting 'log\.levle'/],
    ['log.level: loud\n', /settings\.yaml: 'log\.level': /],
  ];
  await whileDown(node, async () => {
    for (const [text, says] of mistakes) {
      const path = `${FOLDER}/settings.yaml`;
      await node.writeFile(path, text);
      const outcome = await volt(node, ['daemon'], { env: { VOLT_CONFIG: path }, timeoutMs: 10_000 });
      const stderr = expect.stringMatching(says) as string;
      expect({ text, ...outcome }).toEqual({ text, code: 12, stdout: '', stderr });
      expect(outcome.stderr).toMatch(ONE_LINE);
    }
  });
  expect(await state(node)).toBe(before);
});
