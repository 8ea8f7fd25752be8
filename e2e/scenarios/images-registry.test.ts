/** Images of a node that come from a registry and go to it: Debian's docker-registry, with a password, over TLS. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect } from 'vitest';
import type { ImageDetail } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import { eventually, prepareHost, type LabNode } from '../lab/index.ts';
import { openTestLab } from '../lab/testing.ts';
import { ARCHIVE, idle, inside, onOneNode } from './one-node.ts';

const FOLDER = '/var/lib/volt/scenarios/registry';
const SETTINGS = '/etc/volt/registries.yaml';
const HOST = '127.0.0.1:5005';
const PASSWORD = 'correct horse: "staple"';

const { scenario } = onOneNode('registry');

const config = {
  version: '0.1',
  storage: { filesystem: { rootdirectory: `${FOLDER}/data` } },
  http: { addr: HOST, tls: { certificate: `${FOLDER}/cert.pem`, key: `${FOLDER}/key.pem` } },
  auth: { htpasswd: { realm: 'lab', path: `${FOLDER}/htpasswd` } },
};

const MAKE_CERTIFICATE = `cd ${FOLDER}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=registry \\
  -addext subjectAltName=IP:127.0.0.1 -keyout key.pem -out cert.pem 2>/dev/null`;

beforeAll(async () => {
  await prepareHost(console.error, ['docker-registry', 'apache2-utils']);
  const node = (await openTestLab()).node(1);
  await node.sh(`systemctl stop lab-registry 2>/dev/null || true; rm -rf ${FOLDER} ${SETTINGS}; mkdir -p ${FOLDER}`);
  await node.copyIn('/usr/bin/docker-registry', `${FOLDER}/docker-registry`, 0o755);
  const htpasswd = execFileSync('htpasswd', ['-inB', 'volt'], { input: PASSWORD });
  await node.writeFile(`${FOLDER}/htpasswd`, htpasswd);
  await node.writeFile(`${FOLDER}/config.json`, JSON.stringify(config));
  await node.sh(`${MAKE_CERTIFICATE}
    systemd-run --collect --unit=lab-registry ${FOLDER}/docker-registry serve ${FOLDER}/config.json`);
  await eventually(() => node.sh(`curl -sk https://${HOST}/v2/ -o /dev/null`).then(() => true), {
    what: 'the registry answers',
  });
  await node.writeFile(SETTINGS, `registries:\n  ${HOST}:\n    # of the lab\n    ca: ${FOLDER}/cert.pem\n`, 0o600);
});

afterAll(async () => {
  const node = (await openTestLab()).node(1);
  await node.sh(`systemctl stop lab-registry || true; rm -rf ${FOLDER} ${SETTINGS}`);
});

const login = (node: LabNode, password: string) =>
  node.exec(['volt', 'registry', 'login', HOST, '-u', 'volt', '--password-stdin'], { input: `${password}\n` });

const detail = (node: LabNode, name: string) => voltJson<ImageDetail>(node, ['image', 'inspect', name]);

scenario('an image goes to a registry that wants a password, comes back and runs', async (node) => {
  await voltText(node, ['image', 'import', 'registry-out:1', ARCHIVE, '--cmd', idle.join(' ')]);
  const reference = `${HOST}/shop/registry-back:2`;
  expect((await volt(node, ['image', 'push', 'registry-out:1', reference])).code).toBe(5);
  expect((await login(node, 'guess')).code).toBe(5);
  expect((await login(node, PASSWORD)).code).toBe(0);
  await voltText(node, ['image', 'push', 'registry-out:1', reference]);
  await voltText(node, ['image', 'pull', reference]);
  expect(await detail(node, 'registry-back:2')).toMatchObject({
    tree: (await detail(node, 'registry-out:1')).tree,
    origin: { format: 'registry', reference },
  });
  await voltText(node, ['run', 'registry-web', 'registry-back:2']);
  expect(await inside(node, 'registry-web', 'echo here')).toBe('here\n');
});

scenario(
  'what is run from a registry is fetched first, when it is not here, and as often as it is asked for',
  async (node) => {
    expect((await login(node, PASSWORD)).code).toBe(0);
    const reference = `${HOST}/shop/registry-run:1`;
    const push = async (mark: string) => {
      await voltText(node, [
        'image',
        'import',
        'registry-made:1',
        ARCHIVE,
        '--cmd',
        idle.join(' '),
        '--env',
        `MARK=${mark}`,
      ]);
      await voltText(node, ['image', 'push', 'registry-made:1', reference]);
    };
    const markOf = async (name: string, ...flags: string[]) => {
      await voltText(node, ['run', name, reference, ...flags]);
      return inside(node, name, 'echo $MARK');
    };
    await push('one');
    expect((await volt(node, ['run', 'registry-a', reference, '--pull', 'never'])).code).toBe(3);
    expect(await markOf('registry-a')).toBe('one\n');
    await push('two');
    expect(await markOf('registry-b')).toBe('one\n');
    expect(await markOf('registry-c', '--pull', 'always')).toBe('two\n');
    // Of this name, and made here: neither run in its place nor replaced.
    await voltText(node, ['image', 'tag', 'registry-made:1', 'registry-own:1']);
    const { code, stderr } = await volt(node, ['run', 'registry-d', `${HOST}/shop/registry-own:1`]);
    expect([code, stderr]).toEqual([9, expect.stringContaining('no image of a registry')]);
  },
);

scenario('the password is for root alone, and in no log', async (node) => {
  expect((await login(node, PASSWORD)).code).toBe(0);
  expect(await node.sh(`stat -c '%a %U' ${SETTINGS}`)).toBe('600 root\n');
  expect(await node.sh(`grep -c '# of the lab' ${SETTINGS}`)).toBe('1\n');
  expect(await node.sh('grep -rl staple /var/log/volt /run/volt /var/lib/volt/containers 2>/dev/null || true')).toBe(
    '',
  );
  expect(await node.sh('journalctl -q | grep -c staple || true')).toBe('0\n');
  expect(await voltText(node, ['registry', 'list'])).not.toContain('staple');
  await voltText(node, ['registry', 'logout', HOST]);
  expect(await node.sh(`grep -c staple ${SETTINGS} || true`)).toBe('0\n');
});

scenario('what no registry has, and a registry that nobody vouches for, are told in one line', async (node) => {
  await login(node, PASSWORD);
  const nothing = await volt(node, ['image', 'pull', `${HOST}/shop/nothing:1`]);
  expect({ code: nothing.code, stdout: nothing.stdout }).toEqual({ code: 3, stdout: '' });
  const strange = await volt(node, ['image', 'pull', 'localhost:5005/shop/registry-back:2']);
  expect(strange).toMatchObject({ code: 12, stderr: expect.stringMatching(/certificate[^\n]*\nhint: name its CA/) });
});
