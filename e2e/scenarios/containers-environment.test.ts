/**
 * What a container finds around it: variables, names of hosts, its user,
 * secrets and configs, devices, and what is hidden from it.
 */
import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { GivenSummary } from '@volt/shared/model';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { openTestLab } from '../lab/testing.ts';
import { ARCHIVE, holdings, idle, inside, inspect, onOneNode, run, whileDown } from './one-node.ts';

const { scenario } = onOneNode('around');
const image = 'around-people';

/** The plain image with a user, no program that knows users, and a device node of its own. */
const MAKE_IMAGE = `
root=$(mktemp -d)
tar -C $root -xf ${ARCHIVE}
printf 'root:x:0:0::/root:/bin/sh\\nwww:x:33:34::/:/bin/sh\\n' > $root/etc/passwd
printf 'web:x:34:\\nlogs:x:35:www\\n' > $root/etc/group
mkdir $root/srv
mknod -m 666 $root/srv/disk b 7 0
tar -C $root -c . > ${ARCHIVE}.around
volt image import ${image} ${ARCHIVE}.around --cmd 'sleep infinity'
rm -r $root ${ARCHIVE}.around`;

const theNode = async () => (await openTestLab()).node(1);

async function clear(node: LabNode): Promise<void> {
  for (const noun of ['secret', 'config']) {
    for (const { name, usedBy } of await voltJson<GivenSummary[]>(node, [noun, 'list'])) {
      for (const user of usedBy) await voltText(node, ['container', 'delete', user, '--force']);
      await voltText(node, [noun, 'delete', name]);
    }
  }
}

beforeAll(async () => {
  const node = await theNode();
  await clear(node);
  await node.sh(MAKE_IMAGE);
});
afterAll(async () => {
  const node = await theNode();
  await clear(node);
  await voltText(node, ['image', 'delete', image]);
});

const keep = (node: LabNode, noun: 'secret' | 'config', name: string, input: string | Uint8Array) =>
  voltText(node, [noun, 'create', name], { input });

const secretText = () => `s3cret-${randomBytes(12).toString('hex')}`;

describe('secrets and configs', () => {
  scenario('are files in memory, of the user that they are for, and nobody inside can change them', async (node) => {
    const text = secretText();
    await keep(node, 'secret', 'password', text);
    await keep(node, 'config', 'settings', 'colour: blue\n');
    const flags = ['--user', 'www', '--secret', 'password', '--secret', 'password:/etc/app/pw,uid=0,gid=34,mode=0440'];
    await run(node, 'around-files', image, { command: idle, flags: [...flags, '--config', 'settings:app.yaml'] });
    expect(await inside(node, 'around-files', 'cat /run/secrets/password')).toBe(text);
    expect(await inside(node, 'around-files', 'cat /etc/app/pw')).toBe(text);
    expect(await inside(node, 'around-files', 'cat /run/configs/app.yaml')).toBe('colour: blue\n');
    const listed = await inside(node, 'around-files', 'ls -n /run/secrets/password /etc/app/pw /run/configs/app.yaml');
    expect(listed.split('\n').map((line) => line.split(/ +/).slice(0, 4).join(' '))).toEqual([
      '-r--r----- 1 0 34',
      '-r--r--r-- 1 33 34',
      '-r-------- 1 33 34',
      '',
    ]);
    const asRoot = (script: string) => volt(node, ['exec', '-u', '0', 'around-files', '--', 'sh', '-c', script]);
    expect((await asRoot('echo x > /run/secrets/password')).stderr).toContain('Read-only file system');
    expect((await asRoot('rm /run/secrets/password')).stderr).toContain('Device or resource busy');
    expect(await node.sh('findmnt -no FSTYPE /run/volt/containers/around-files/given')).toBe('ramfs\n');
  });

  scenario('whoever is neither its user nor root inside cannot read a secret', async (node) => {
    await keep(node, 'secret', 'of-root', 'x');
    await run(node, 'around-other', image, { command: idle, flags: ['--secret', 'of-root'] });
    const read = ['--', 'cat', '/run/secrets/of-root'];
    expect((await volt(node, ['exec', '-u', 'www', 'around-other', ...read])).stderr).toContain('Permission denied');
    expect(await voltText(node, ['exec', 'around-other', ...read])).toBe('x');
  });

  scenario(
    'a root that cannot be written to has them as well, and a policy of Landlock lets them be read',
    async (node) => {
      await keep(node, 'secret', 'narrow', 'x');
      const policy = ['--fs-read', '/bin,/lib,/lib64,/usr', '--read-only'];
      const flags = [...policy, '--secret', 'narrow', '--secret', 'narrow:/etc/deep/down'];
      await run(node, 'around-narrow', image, { command: idle, flags });
      expect(await inside(node, 'around-narrow', 'cat /run/secrets/narrow /etc/deep/down')).toBe('xx');
      expect((await volt(node, ['exec', 'around-narrow', '--', 'cat', '/etc/passwd'])).code).toBe(1);
    },
  );

  scenario('a start without the agent has them too', async (node) => {
    await keep(node, 'secret', 'alone', 'still here');
    await run(node, 'around-alone', image, { command: idle, flags: ['--secret', 'alone'] });
    await whileDown(node, async () => void (await node.sh('systemctl restart volt-container@around-alone')));
    expect(await inside(node, 'around-alone', 'cat /run/secrets/alone')).toBe('still here');
  });

  scenario('another content is there after the next start, and until then it is told', async (node) => {
    await keep(node, 'secret', 'turning', 'old');
    await run(node, 'around-turn', image, { command: idle, flags: ['--secret', 'turning'] });
    await voltText(node, ['secret', 'update', 'turning'], { input: 'new' });
    const pending = async () => ((await inspect(node, 'around-turn')) as { pendingRestart?: string[] }).pendingRestart;
    expect(await pending()).toEqual(['secret turning']);
    expect(await inside(node, 'around-turn', 'cat /run/secrets/turning')).toBe('old');
    await voltText(node, ['container', 'restart', 'around-turn']);
    expect(await inside(node, 'around-turn', 'cat /run/secrets/turning')).toBe('new');
    expect(await pending()).toBeUndefined();
  });

  scenario('one that a container has is not deleted; one that is not there makes no container', async (node) => {
    await keep(node, 'secret', 'needed', 'x');
    await voltText(node, ['container', 'create', 'around-need', image, '--secret', 'needed']);
    const refused = await volt(node, ['secret', 'delete', 'needed']);
    expect(refused).toMatchObject({ code: 9, stderr: expect.stringContaining('around-need') });
    const before = await holdings(node);
    const missing = await volt(node, ['run', 'around-miss', image, '--secret', 'neede']);
    expect(missing).toMatchObject({ code: 3, stderr: expect.stringContaining("did you mean 'needed'") });
    expect(await holdings(node)).toBe(before);
    await voltText(node, ['container', 'delete', 'around-need']);
    await voltText(node, ['secret', 'delete', 'needed']);
  });

  scenario('what was put in the place of another fails the start, and leaves nothing', async (node) => {
    await keep(node, 'secret', 'mine', 'mine');
    await keep(node, 'secret', 'yours', 'yours');
    await voltText(node, ['container', 'create', 'around-swap', image, '--secret', 'mine']);
    await node.sh('cp /var/lib/volt/secrets/yours.contents /var/lib/volt/secrets/mine.contents');
    const { code, stderr } = await volt(node, ['container', 'start', 'around-swap']);
    expect(code).toBe(10);
    expect(stderr).toContain("Embedded credential name 'volt.secret.yours' does not match");
    expect(await node.sh('ls -d /run/volt/containers/around-swap 2> /dev/null || :')).toBe('');
    expect(await node.sh('ip netns | grep around-swap || :')).toBe('');
  });

  scenario('have at most a mebibyte, byte for byte', async (node) => {
    const all = randomBytes(1024 * 1024);
    await keep(node, 'secret', 'large', all);
    await run(node, 'around-large', image, { command: idle, flags: ['--secret', 'large'] });
    expect(await inside(node, 'around-large', 'wc -c < /run/secrets/large')).toBe('1048576\n');
    const copy = await node.sh(`sha256sum < /run/volt/containers/around-large/given/0`);
    const { createHash } = await import('node:crypto');
    expect(copy).toContain(createHash('sha256').update(all).digest('hex'));
    const more = await volt(node, ['secret', 'create', 'larger'], { input: Buffer.concat([all, Buffer.from('x')]) });
    expect(more).toMatchObject({ code: 2, stderr: expect.stringContaining('more than 1048576 bytes') });
    expect((await volt(node, ['secret', 'create', 'none'], { input: '' })).code).toBe(2);
    expect(await voltText(node, ['secret', 'list', '-q'])).not.toMatch(/larger|none/);
  });
});

/** Prints where on the node the text on its input can be found; it is in no argument or variable of its own. */
const SEARCH = `
IFS= read -r text
look() { grep -qsF -f <(printf '%s' "$text") && echo "$1"; }
volt container inspect around-hiding -o json | look inspect
{ volt ps -o json; volt container list -o json; volt secret list -o json; volt secret inspect hidden; } | look lists
journalctl --no-pager -o export --since -10min | look journal
for folder in /var/log/volt /etc /run/systemd /usr/local /var/lib/volt /var/lib/systemd /tmp; do
  grep -rqsaF --exclude-dir=cas --exclude-dir=images -f <(printf '%s' "$text") $folder && echo $folder
done
find /run /var/lib/volt -xdev -type f -perm /044 -readable -not -path '/var/lib/volt/cas/*' -print0 2> /dev/null |
  xargs -0r grep -lsaF -f <(printf '%s' "$text") | grep -q . && echo readable
cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | look arguments
cat /proc/[0-9]*/environ 2> /dev/null | tr '\\0' ' ' | look environments
ps auxwwe | look ps
:`;

describe('what is in a secret', () => {
  const search = async (node: LabNode, text: string) => {
    const { stdout } = await node.exec(['bash', '-c', SEARCH], { input: `${text}\n`, timeoutMs: 120_000 });
    return stdout.trim().split('\n').filter(Boolean).toSorted();
  };

  scenario('is nowhere on the node but in its container', async (node) => {
    const text = secretText();
    await keep(node, 'secret', 'hidden', text);
    await run(node, 'around-hiding', image, { command: idle, flags: ['--secret', 'hidden'] });
    await voltText(node, ['secret', 'update', 'hidden'], { input: text });
    await voltText(node, ['container', 'restart', 'around-hiding']);
    expect(await inside(node, 'around-hiding', 'cat /run/secrets/hidden')).toBe(text);
    expect(await search(node, text)).toEqual([]);
  });

  scenario('would be found in every place where it could be', async (node) => {
    const text = secretText();
    await keep(node, 'secret', 'planted', 'x');
    const flags = ['--secret', 'planted', '-e', `PLANTED=${text}`, '--label', `planted=${text}`];
    await run(node, 'around-hiding', image, { command: ['sh', '-c', `: ${text}; sleep infinity`], flags });
    const places = ['/var/log/volt', '/run/systemd', '/usr/local', '/var/lib/systemd', '/tmp'].map(
      (f) => `${f}/planted`,
    );
    await node.exec(
      ['bash', '-c', `read -r text; for f in ${places.join(' ')}; do echo "$text" > $f; done; logger "$text"`],
      {
        input: `${text}\n`,
      },
    );
    await node.sh('journalctl --sync');
    const found = await search(node, text);
    await node.sh(`rm ${places.join(' ')}`);
    expect(found).toEqual(
      [
        ...['/etc', '/run/systemd', '/tmp', '/usr/local', '/var/lib/systemd', '/var/lib/volt', '/var/log/volt'],
        ...['arguments', 'environments', 'inspect', 'journal', 'lists', 'ps', 'readable'],
      ].toSorted(),
    );
  });
});

describe('variables, names and users', () => {
  scenario('files of variables are read here, and say which line is wrong', async (node) => {
    await node.sh(
      `printf '# ours\\nA=from file\\nB=from file\\nC\\n' > /tmp/around.env
printf 'A=1\\nno good=2\\n' > /tmp/bad.env`,
    );
    const flags = ['--env-file', '/tmp/around.env', '-e', 'B=typed', '-e', 'D'];
    const env = { C: 'ours', D: 'ours too' };
    await voltText(node, ['run', 'around-env', image, ...flags], { env });
    expect(await inside(node, 'around-env', 'echo "$A|$B|$C|$D"')).toBe('from file|typed|ours|ours too\n');
    const bad = await volt(node, ['run', 'around-bad', image, '--env-file', '/tmp/bad.env']);
    expect(bad).toMatchObject({ code: 2, stderr: expect.stringContaining("/tmp/bad.env:2: 'no good' has a space") });
  });

  scenario('it has the names that it was given, in files that it cannot lose', async (node) => {
    const names = ['--hostname', 'shop.example.org', '--add-host', 'db:10.9.9.9', '--add-host', 'node:host-gateway'];
    const asked = ['--dns', '192.0.2.53', '--dns-search', 'example.org'];
    const { address } = await run(node, 'around-names', image, { command: idle, flags: [...names, ...asked] });
    expect(await inside(node, 'around-names', 'cat /proc/sys/kernel/hostname')).toBe('shop.example.org\n');
    const { gateway } = (await inspect(node, 'around-names')).config.network;
    expect(await inside(node, 'around-names', 'cat /etc/hosts')).toContain(
      `${address} shop.example.org shop around-names\n10.9.9.9 db\n${gateway} node\n`,
    );
    expect(await inside(node, 'around-names', 'cat /etc/resolv.conf')).toBe(
      'search example.org\nnameserver 192.0.2.53\n',
    );
    const lose = await volt(node, ['exec', 'around-names', '--', 'rm', '/etc/hosts']);
    expect(lose.stderr).toContain('Device or resource busy');
  });

  scenario('a search domain alone leaves the servers of the node', async (node) => {
    await node.sh('cp /etc/resolv.conf /tmp/resolv.around; echo "nameserver 192.0.2.1" > /etc/resolv.conf');
    try {
      await run(node, 'around-search', image, { command: idle, flags: ['--dns-search', 'example.org'] });
      expect(await inside(node, 'around-search', 'cat /etc/resolv.conf')).toBe(
        'search example.org\nnameserver 192.0.2.1\n',
      );
    } finally {
      await node.sh('cp /tmp/resolv.around /etc/resolv.conf');
    }
  });

  scenario('another name is another hosts file', async (node) => {
    await voltText(node, ['container', 'create', 'around-first', image]);
    await voltText(node, ['container', 'rename', 'around-first', 'around-second']);
    await voltText(node, ['container', 'start', 'around-second']);
    expect(await inside(node, 'around-second', 'cat /etc/hosts')).toMatch(/ around-second$/m);
  });

  scenario('its program is whom and where it was said, though the image has nothing that knows users', async (node) => {
    const who = async (name: string, user: string) => {
      await run(node, name, image, { command: idle, flags: ['--user', user, '--workdir', '/srv'] });
      return (await inside(node, name, 'id -u; id -g; id -G; readlink /proc/self/cwd')).split('\n').slice(0, 4);
    };
    expect(await who('around-www', 'www')).toEqual(['33', '34', '34 35', '/srv']);
    expect(await who('around-number', '1234:web')).toEqual(['1234', '34', '34', '/srv']);
    const nobody = await volt(node, ['run', 'around-nobody', image, '--user', 'nobody']);
    expect(nobody).toMatchObject({ code: 12, stderr: expect.stringContaining("The image has no user 'nobody'") });
  });

  scenario('labels find it, and are changed while it runs, as is when it is started again', async (node) => {
    await run(node, 'around-one', image, { command: idle, flags: ['--label', 'team=web', '--label', 'tier=front'] });
    await run(node, 'around-two', image, { command: idle, flags: ['--label', 'team=shop'] });
    const found = async (...filters: string[]) =>
      (await voltText(node, ['ps', '-q', ...filters.flatMap((one) => ['--filter', one])])).trim().split('\n');
    expect(await found('label=team=web')).toEqual(['around-one']);
    expect(await found('label=team', 'name=around-two')).toEqual(['around-two']);
    await voltText(node, [
      'container',
      'update',
      'around-one',
      '--restart',
      'always',
      '--label',
      'team=shop',
      '--label',
      'tier=',
    ]);
    expect((await inspect(node, 'around-one')).config.spec).toMatchObject({
      labels: { team: 'shop' },
      restart: 'always',
    });
    await whileDown(node, async () => {
      const offline = await voltText(node, ['ps', '-q', '--filter', 'label=team=shop']);
      expect(offline.trim().split('\n')).toEqual(['around-one', 'around-two']);
    });
    await node.sh('kill -KILL $(systemctl show -P MainPID volt-container@around-one)');
    await node.sh('for n in $(seq 100); do systemctl is-active -q volt-container@around-one && break; sleep 0.1; done');
    expect((await inspect(node, 'around-one')).status).toMatchObject({ state: 'running', restarts: 1 });
  });
});

describe('devices', () => {
  const opens = async (node: LabNode, name: string, how: string) =>
    (await volt(node, ['exec', name, '--', 'sh', '-c', `exec 3${how}`])).code === 0;

  scenario('it has those that it was given, as they may be used', async (node) => {
    await run(node, 'around-dev', image, {
      command: idle,
      flags: ['--device', 'fuse', '--device', '/dev/loop0:/dev/disk:r'],
    });
    expect(await opens(node, 'around-dev', '<> /dev/fuse')).toBe(true);
    expect(await opens(node, 'around-dev', '< /dev/disk')).toBe(true);
    expect(await opens(node, 'around-dev', '<> /dev/disk')).toBe(false);
    expect(await opens(node, 'around-dev', '< /dev/loop0')).toBe(false);
    const flags = ['--device', '/dev/loop0:/dev/disk:r', '--without', 'devices'];
    await run(node, 'around-any', image, { command: idle, flags });
    expect(await opens(node, 'around-any', '<> /dev/disk'), 'without its control group').toBe(true);
  });

  scenario('one that the machine does not have is refused', async (node) => {
    const none = await volt(node, ['run', 'around-none', image, '--device', '/dev/nowhere']);
    expect(none).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("This machine has no device '/dev/nowhere'"),
    });
    const unknown = await volt(node, ['run', 'around-none', image, '--device', 'fuze']);
    expect(unknown).toMatchObject({ code: 2, stderr: expect.stringContaining("'fuze' is no device") });
    expect(await voltText(node, ['container', 'list', '-q'])).not.toContain('around-none');
  });

  scenario('those that an image brings cannot be used, whoever may use devices', async (node) => {
    expect(await node.sh('head -c 1 /dev/loop0 | wc -c; ls -l /dev/loop0'), 'it is there').toContain('7, 0');
    await run(node, 'around-brought', image, { command: idle, flags: ['--without', 'devices'] });
    expect(await inside(node, 'around-brought', 'ls -l /srv/disk')).toContain('7, 0');
    expect(await opens(node, 'around-brought', '< /srv/disk')).toBe(false);
  });
});

describe('what the kernel and the firmware tell', () => {
  /** Of the list that runtimes of OCI hide: what is there and can be read. */
  const SEEN = `
for path in /proc/kcore /proc/keys /proc/kallsyms /proc/latency_stats /proc/timer_list /proc/timer_stats \
  /proc/sched_debug /proc/scsi /proc/asound /sys/firmware /sys/devices/virtual/powercap; do
  if [ -d $path ]; then [ -z "$(ls $path 2> /dev/null)" ] || echo $path
  else IFS= read -r -N 1 byte 2> /dev/null < $path && echo $path; fi
done 2> /dev/null
for path in /proc/sysrq-trigger /proc/sys/vm/swappiness /proc/irq/default_smp_affinity; do
  ( exec 3>> $path ) 2> /dev/null && echo $path
done
:`;

  scenario('is hidden', async (node) => {
    await run(node, 'around-masks', image, idle);
    expect(await inside(node, 'around-masks', SEEN)).toBe('');
  });

  scenario('is seen where nothing hides it', async (node) => {
    await run(node, 'around-unmasked', image, { command: idle, flags: ['--without', 'masked-paths'] });
    expect((await inside(node, 'around-unmasked', SEEN)).split('\n')).toContain('/sys/firmware');
    const ofNode = (await node.exec(['bash', '-c', SEEN])).stdout;
    for (const path of ['/proc/keys', '/proc/timer_list']) expect(ofNode).toContain(path);
  });
});
