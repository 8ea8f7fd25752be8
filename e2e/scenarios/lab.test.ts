/** The lab itself: the ground all other scenarios stand on. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { eventually, withEvidence } from '../lab/testing.ts';

const ping = (address: string) => ['ping', '-c1', '-W1', address];

test(
  'nodes run systemd, know their names and reach one another',
  withEvidence('lab boot', async (lab) => {
    expect(lab.nodes.length).toBeGreaterThanOrEqual(3);
    const ids = new Set<string>();
    for (const node of lab.nodes) {
      expect((await node.sh('systemctl is-system-running')).trim()).toBe('running');
      expect((await node.sh('hostname')).trim()).toBe(node.name);
      ids.add(await node.sh('cat /etc/machine-id'));
      for (const peer of lab.nodes) expect(await node.exec(ping(peer.name))).toMatchObject({ code: 0 });
    }
    expect(ids.size).toBe(lab.nodes.length);
  }),
);

test(
  'a command carries input, environment, both outputs and its exit code',
  withEvidence('lab exec', async (lab) => {
    const script = 'cat; echo "$COLOUR" >&2; exit 42';
    const outcome = await lab.node(1).exec(['sh', '-c', script], { input: 'in', env: { COLOUR: 'blue' } });
    expect(outcome).toEqual({ code: 42, stdout: 'in', stderr: 'blue\n' });
  }),
);

test(
  'a command that takes too long is ended with all it started',
  withEvidence('lab exec deadline', async (lab) => {
    const node = lab.node(1);
    const stuck = node.exec(['sh', '-c', 'sleep 7777 & sleep 7777'], { timeoutMs: 100 });
    await expect(stuck).rejects.toMatchObject({ code: 'TIMEOUT' });
    await eventually(async () => (await node.exec(['pgrep', '-fx', 'sleep 7777'])).code === 1);
  }),
);

test(
  'a partition cuts a node off while it runs on, and healing mends it',
  withEvidence('lab partition', async (lab) => {
    const [one, two] = [lab.node(1), lab.node(2)];
    await two.partition();
    expect((await one.exec(ping(two.address))).code).not.toBe(0);
    expect(await two.isUp()).toBe(true);
    await two.heal();
    await eventually(async () => (await one.exec(ping(two.address))).code === 0);
  }),
);

test(
  'power loss keeps the disk and loses /run',
  withEvidence('lab power loss', async (lab) => {
    const node = lab.node(3);
    const identity = await node.sh('cat /etc/machine-id');
    await node.sh('echo kept > /var/lib/volt/file; echo kept > /root/file; echo lost > /run/file; sync');
    await node.powerLoss();
    expect(await node.isUp()).toBe(false);
    expect((await lab.node(1).exec(ping(node.address))).code).not.toBe(0);
    await node.boot();
    expect(await node.sh('cat /var/lib/volt/file /root/file')).toBe('kept\nkept\n');
    expect((await node.exec(['test', '-e', '/run/file'])).code).toBe(1);
    expect(await node.sh('cat /etc/machine-id')).toBe(identity);
    await eventually(async () => (await lab.node(1).exec(ping(node.address))).code === 0);
  }),
);

test(
  'a reboot stops services in order',
  withEvidence('lab reboot', async (lab) => {
    const node = lab.node(2);
    const unit = '[Service]\nExecStart=sleep infinity\nExecStop=touch /var/lib/volt/stopped\n';
    await node.writeFile('/run/systemd/system/witness.service', unit);
    await node.sh('systemctl start witness');
    await node.reboot();
    expect((await node.exec(['test', '-e', '/var/lib/volt/stopped'])).code).toBe(0);
  }),
);

test(
  'the host reaches a port of a node, and both sides may end when they like',
  withEvidence('lab relay', async (lab) => {
    const node = lab.node(1);
    const server = await node.spawn(['socat', '-t5', 'TCP-LISTEN:80,reuseaddr', 'EXEC:tr a-z A-Z'], {
      stdio: 'ignore',
    });
    await eventually(async () => (await node.exec(['ss', '-Hltn', 'sport = :80'])).stdout !== '' || undefined);
    const socket = connect({ host: '127.0.0.1', port: await lab.hostPort('http', 1), allowHalfOpen: true });
    socket.end('hello');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    await once(socket, 'end');
    expect(Buffer.concat(chunks).toString()).toBe('HELLO');
    if (server.exitCode === null) await once(server, 'close');

    const refused = connect({ host: '127.0.0.1', port: await lab.hostPort('http', 1) });
    await expect(once(refused, 'close')).rejects.toMatchObject({ code: 'ECONNRESET' });
  }),
);

test(
  'nodes get Debian packages from the gateway, and nothing else',
  withEvidence('lab packages', async (lab) => {
    const status = async (url: string) =>
      lab.node(1).sh(`curl -so /dev/null -m 20 -w '%{http_code}' --path-as-is '${url}' || :`);
    expect(await status('http://deb.debian.org/debian/dists/trixie/InRelease')).toBe('200');
    expect(await status('http://gateway:3142/debian-security/dists/trixie-security/InRelease')).toBe('200');
    expect(await status('http://gateway:3142/debian/dists/trixie/Nothing')).toBe('404');
    expect(await status('http://gateway:3142/other/')).toBe('403');
    expect(await status('http://gateway:3142/debian/../other')).toBe('403');
    expect(await status('http://192.0.2.1/')).toBe('000');
  }),
);
