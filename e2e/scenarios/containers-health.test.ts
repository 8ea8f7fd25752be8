/** Whether what runs also works: asked in three ways, told, waited for, and what becomes of one that does not. */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import type { ContainerHealth, ContainerStatus } from '@volt/shared/model';
import type { InstanceRow } from '@volt/shared/rpc';
import { volt, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { eventually, openTestLab } from '../lab/testing.ts';
import { ARCHIVE, idle, inside, inspect, onOneNode, run, tell, whileDown } from './one-node.ts';

const { image, scenario } = onOneNode('health');

/** Healthy while there is a file. */
const byFile = ['--health-cmd', "sh -c 'test -e /ok && echo works'"];
const often = ['--health-interval', '300ms', '--health-retries', '2'];

const healthOf = async (node: LabNode, name: string) =>
  (await voltJson<{ health?: ContainerHealth }>(node, ['container', 'inspect', name])).health;

const becomes = (node: LabNode, name: string, state: ContainerHealth['state']) =>
  eventually(async () => expect((await healthOf(node, name))?.state).toBe(state));

/** Answers over HTTP with what is in a file, on port 8080. */
const SERVE = `printf '%s\\n' 'while read -r line && [ \${#line} -gt 1 ]; do :; done' 'cat /answer' > /serve
exec socat TCP-LISTEN:8080,fork,reuseaddr 'SYSTEM:sh /serve'`;

const answerWith = (node: LabNode, name: string, status: string) =>
  inside(node, name, `printf 'HTTP/1.0 ${status}\\r\\n\\r\\nsaid so\\n' > /answer`);

describe('a check', () => {
  scenario('by a program inside follows what that says, and the last results are kept', async (node) => {
    await run(node, 'health-exec', image, { command: idle, flags: [...byFile, ...often] });
    await becomes(node, 'health-exec', 'unhealthy');
    await tell(node, 'health-exec', '/ok');
    await becomes(node, 'health-exec', 'healthy');
    await eventually(async () => {
      const health = await healthOf(node, 'health-exec');
      expect(health).toMatchObject({ state: 'healthy', failures: 0 });
      return expect(health?.results.map(({ isHealthy, output }) => ({ isHealthy, output }))).toEqual(
        Array.from({ length: 5 }, () => ({ isHealthy: true, output: 'works' })),
      );
    });
    await inside(node, 'health-exec', 'rm /ok');
    await becomes(node, 'health-exec', 'unhealthy');
    expect((await healthOf(node, 'health-exec'))?.results.at(-1)).toMatchObject({ output: 'exit code 1' });
    const state = await node.sh('cat /var/lib/volt/containers/health-exec/state.json');
    expect(JSON.parse(state)).toMatchObject({ state: 'running', health: 'unhealthy' });
  });

  scenario('by a program is run with the protections of the container', async (node) => {
    const print = 'while read -r key value; do case $key in NoNewPrivs:|Seccomp:|Cap*) echo $key $value; esac; done';
    await run(node, 'health-kept', image, {
      command: idle,
      flags: ['--cap-drop', 'all', '--health-cmd', `sh -c '${print} < /proc/self/status'`, '--wait'],
    });
    const health = await healthOf(node, 'health-kept');
    const none = '0000000000000000';
    expect(health?.results[0]?.output.split('\n')).toEqual([
      ...['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb'].map((set) => `${set}: ${none}`),
      'NoNewPrivs: 1',
      'Seccomp: 2',
    ]);
  });

  scenario('over HTTP goes by the status, and what is said with it', async (node) => {
    const flags = ['--health-http', '8080/ready?now', ...often];
    await run(node, 'health-http', image, { command: ['sh', '-c', SERVE], flags });
    for (const [status, state] of [
      ['204 None', 'healthy'],
      ['503 No', 'unhealthy'],
      ['302 Elsewhere', 'healthy'],
      ['404 No', 'unhealthy'],
    ] as const) {
      await answerWith(node, 'health-http', status);
      await becomes(node, 'health-http', state);
    }
    expect((await healthOf(node, 'health-http'))?.results.at(-1)?.output).toBe('HTTP 404\nsaid so');
  });

  scenario('by a port needs one that is open', async (node) => {
    const listen = ['socat', 'TCP-LISTEN:81,fork,reuseaddr', 'SYSTEM:cat'];
    await run(node, 'health-open', image, { command: listen, flags: ['--health-tcp', '81', ...often, '--wait'] });
    await run(node, 'health-shut', image, { command: listen, flags: ['--health-tcp', '82', ...often] });
    expect((await healthOf(node, 'health-open'))?.state).toBe('healthy');
    await becomes(node, 'health-shut', 'unhealthy');
    expect((await healthOf(node, 'health-shut'))?.results.at(-1)?.output).toBe('connection refused');
  });

  scenario('that takes too long has failed, and what it started is gone', async (node) => {
    const flags = ['--health-cmd', 'sleep 4321', '--health-timeout', '200ms', ...often];
    await run(node, 'health-slow', image, { command: idle, flags });
    await becomes(node, 'health-slow', 'unhealthy');
    expect((await healthOf(node, 'health-slow'))?.results.at(-1)?.output).toBe('took longer than 0.2 s');
    await voltText(node, ['container', 'pause', 'health-slow']);
    await eventually(async () => expect(await node.sh('pgrep -fc "sleep 432[1]" || :')).toBe('0\n'));
    expect((await healthOf(node, 'health-slow'))?.state).toBe('unknown');
    await voltText(node, ['container', 'resume', 'health-slow']);
    await becomes(node, 'health-slow', 'unhealthy');
  });
});

describe('whoever waits', () => {
  const start = (node: LabNode, flags: readonly string[]) =>
    volt(node, ['run', 'health-wait', image, ...byFile, ...flags, '--', ...idle]);

  scenario('is answered when it is healthy, and not before', async (node) => {
    const script = ['sh', '-c', 'sleep 2; : > /ok; exec sleep infinity'];
    const made = await run(node, 'health-wait', image, { command: script, flags: [...byFile, '--wait'] });
    expect(made).toMatchObject({ state: 'running', health: 'healthy' });
    expect(Date.parse(made.checkedAt!) - Date.parse(made.startedAt!)).toBeGreaterThan(1900);
    await voltText(node, ['container', 'stop', 'health-wait']);
    await voltText(node, ['container', 'start', 'health-wait', '--wait']);
    expect((await healthOf(node, 'health-wait'))?.state).toBe('healthy');
  });

  scenario('too long is told what the last check said', async (node) => {
    const flags = ['--health-cmd', "sh -c 'echo not yet; false'", '--wait', '--wait-timeout', '1s'];
    const outcome = await volt(node, ['run', 'health-wait', image, ...flags, '--', ...idle]);
    expect(outcome).toMatchObject({ code: 7, stdout: '' });
    expect(outcome.stderr).toContain("error: Container 'health-wait' was not healthy within 1 s\n  not yet\n");
    expect((await inspect(node, 'health-wait')).status).toMatchObject({ state: 'running', health: 'starting' });
  });

  scenario('for one that is unhealthy, or ends, is told at once', async (node) => {
    const unhealthy = await start(node, [...often, '--wait', '--wait-timeout', '60s']);
    expect(unhealthy).toMatchObject({ code: 10, stdout: '' });
    expect(unhealthy.stderr).toContain("error: Container 'health-wait' is unhealthy\n  exit code 1\n");
    await voltText(node, ['container', 'delete', 'health-wait', '--force']);
    const script = 'sleep 1; exit 3';
    const over = await volt(node, ['run', 'health-wait', image, ...byFile, '--wait', '--', 'sh', '-c', script]);
    expect(over).toMatchObject({ code: 10, stdout: '' });
    expect(over.stderr).toContain("error: Container 'health-wait' is failed: exit code 3");
  });

  scenario('by name hears of it, and so does whoever follows events', async (node) => {
    await run(node, 'health-wait', image, { command: idle, flags: [...byFile, ...often, '--health-retries', '10'] });
    const events = await node.spawn(['/usr/local/bin/volt', '-o', 'ndjson', 'events']);
    let told = '';
    events.stdout!.setEncoding('utf8').on('data', (text: string) => (told += text));
    const waiting = volt(node, ['container', 'wait', 'health-wait', '--condition', 'healthy']);
    await tell(node, 'health-wait', '/ok');
    expect(await waiting).toMatchObject({ code: 0 });
    await inside(node, 'health-wait', 'rm /ok');
    await becomes(node, 'health-wait', 'unhealthy');
    await eventually(() => expect(told).toContain('"kind":"container.unhealthy"'));
    events.kill();
    expect(await volt(node, ['container', 'wait', 'health-wait', '--condition', 'healthy'])).toMatchObject({
      code: 10,
    });
  });

  scenario('for one that is not checked waits until it runs', async (node) => {
    expect(await run(node, 'health-wait', image, { command: idle, flags: ['--wait'] })).toMatchObject({
      state: 'running',
    });
  });
});

describe('one that is unhealthy', () => {
  /** Works for a while, and from its second start on. */
  const script = ['sh', '-c', ': > /ok; [ -e /again ] || { : > /again; sleep 1.5; rm /ok; }; exec sleep infinity'];
  const restarting = [...byFile, ...often, '--health-restart', '--restart'];

  scenario('is left as it is unless it says otherwise', async (node) => {
    await run(node, 'health-bad', image, { command: idle, flags: [...byFile, ...often, '--restart', 'always'] });
    await becomes(node, 'health-bad', 'unhealthy');
    const { pid } = (await inspect(node, 'health-bad')).status;
    await node.sh('sleep 1');
    expect((await inspect(node, 'health-bad')).status).toMatchObject({ pid, restarts: 0 });
  });

  for (const policy of ['on-failure', 'always']) {
    scenario(`is started again by systemd where its policy is ${policy}, and begins anew`, async (node) => {
      const made = await run(node, 'health-bad', image, { command: script, flags: [...restarting, policy, '--wait'] });
      await eventually(async () => {
        const { status } = await inspect(node, 'health-bad');
        expect(status).toMatchObject({ state: 'running', restarts: 1, health: 'healthy' });
        return expect(status.pid).not.toBe(made.pid);
      });
    });
  }

  scenario('is given up when its policy says after how many times', async (node) => {
    const flags = [...restarting, 'on-failure:1', '--health-retries', '1'];
    await run(node, 'health-bad', image, { command: idle, flags });
    const given = { state: 'failed', restarts: 1 };
    await eventually(async () => expect((await inspect(node, 'health-bad')).status).toMatchObject(given));
    expect(await healthOf(node, 'health-bad')).toBeUndefined();
  });
});

describe('what is shown', () => {
  const row = async (node: LabNode, name: string) =>
    (await voltJson<InstanceRow[]>(node, ['ps'])).find((one) => one.name === name);
  const line = async (node: LabNode, name: string, ...flags: string[]) =>
    (await voltText(node, ['ps', ...flags])).split('\n').find((text) => text.startsWith(name));

  scenario('says beside the state whether it works, and nothing of one that is not checked', async (node) => {
    await run(node, 'health-seen', image, { command: idle, flags: [...byFile, ...often] });
    await run(node, 'health-plain', image, idle);
    await becomes(node, 'health-seen', 'unhealthy');
    expect(await line(node, 'health-seen')).toContain('running (unhealthy)');
    expect(await line(node, 'health-plain')).toMatch(/ running +\d/);
    expect(await voltText(node, ['ps', '-o', 'wide'])).toMatch(/ HEALTH +CHECKED/);
  });

  scenario(
    'without the agent claims nothing, and says when it was last known; the next agent goes on',
    async (node) => {
      await run(node, 'health-seen', image, { command: idle, flags: [...byFile, '--health-interval', '10s'] });
      await tell(node, 'health-seen', '/ok');
      await becomes(node, 'health-seen', 'healthy');
      const before = await healthOf(node, 'health-seen');
      await whileDown(node, async () => {
        expect(await row(node, 'health-seen')).toMatchObject({ health: 'unknown', checkedAt: before?.checkedAt });
        expect(await line(node, 'health-seen')).toContain('running (health: unknown)');
      });
      const after = await healthOf(node, 'health-seen');
      expect(after).toMatchObject({ state: 'healthy', since: before?.since });
      const crashed = (await node.sh('systemctl show -p MainPID --value volt.service')).trim();
      await node.sh(`kill -KILL ${crashed}`);
      await eventually(async () => expect((await healthOf(node, 'health-seen'))?.since).toBe(before?.since));
    },
  );

  scenario('is of this run, and leaves nothing behind', async (node) => {
    const files = () => node.sh('ls /run/volt/health');
    await run(node, 'health-seen', image, { command: idle, flags: [...byFile, ...often] });
    await becomes(node, 'health-seen', 'unhealthy');
    expect(await files()).toBe('health-seen.json\n');
    await voltText(node, ['container', 'stop', 'health-seen']);
    expect(await healthOf(node, 'health-seen')).toBeUndefined();
    await voltText(node, ['container', 'rename', 'health-seen', 'health-other']);
    expect(await files()).toBe('');
    await voltText(node, ['container', 'start', 'health-other']);
    expect(['starting', 'unhealthy']).toContain((await healthOf(node, 'health-other'))?.state);
    await becomes(node, 'health-other', 'unhealthy');
    await voltText(node, ['container', 'delete', 'health-other', '--force']);
    expect(await files()).toBe('');
  });
});

describe("an image's own check", () => {
  const CHECKED = 'health-checked';
  const theNode = async () => (await openTestLab()).node(1);

  /** As `docker save` writes one. */
  const MAKE_CHECKED = `
folder=$(mktemp -d)
cp ${ARCHIVE} $folder/layer.tar
digest=$(sha256sum $folder/layer.tar | cut -d' ' -f1)
cat > $folder/config.json << END
{"architecture": "$(dpkg --print-architecture)", "os": "linux",
 "config": {"Cmd": ["sleep", "infinity"],
  "Healthcheck": {"Test": ["CMD-SHELL", "test -e /ok || exit 4"], "Interval": 300000000, "Retries": 2}},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$digest"]}}
END
echo '[{"Config": "config.json", "RepoTags": ["checked:latest"], "Layers": ["layer.tar"]}]' > $folder/manifest.json
tar -C $folder -cf /var/lib/volt/scenarios/checked.tar .
rm -r $folder`;

  beforeAll(async () => {
    const node = await theNode();
    await node.sh(MAKE_CHECKED);
    await voltText(node, ['image', 'import', CHECKED, '/var/lib/volt/scenarios/checked.tar']);
  });
  afterAll(async () => voltText(await theNode(), ['image', 'delete', CHECKED]));

  scenario('is taken over, with its times', async (node) => {
    await voltText(node, ['run', 'health-image', CHECKED]);
    await becomes(node, 'health-image', 'unhealthy');
    expect((await inspect(node, 'health-image')).config.health).toMatchObject({
      probe: { kind: 'exec', command: ['/bin/sh', '-c', 'test -e /ok || exit 4'] },
      intervalMs: 300,
      retries: 2,
      timeoutMs: 5000,
    });
    expect((await healthOf(node, 'health-image'))?.results.at(-1)?.output).toBe('exit code 4');
  });

  scenario('can be left off, or replaced', async (node) => {
    await voltText(node, ['run', 'health-image', CHECKED, '--no-health']);
    expect((await inspect(node, 'health-image')).config.health).toBeUndefined();
    const made = await voltJson<ContainerStatus>(node, [
      ...['run', 'health-image-2', CHECKED, '--health-cmd', 'env', '--wait'],
    ]);
    expect(made.health).toBe('healthy');
  });
});

scenario('what cannot be meant is refused, and makes nothing', async (node) => {
  const wrong = [
    ['--health-tcp', '80', '--health-http', '80/'],
    ['--health-tcp', '70000'],
    ['--health-http', '/ready'],
    ['--health-interval', '5s'],
    ['--health-tcp', '80', '--health-interval', 'often'],
    ['--health-tcp', '80', '--health-retries', '0'],
    ['--health-tcp', '80', '--health-restart'],
    ['--health-tcp', '80', '--no-health'],
    ['--health-cmd', ''],
    ['--health-cmd', "sh -c 'open"],
  ];
  for (const flags of wrong) {
    const outcome = await volt(node, ['run', 'health-wrong', image, ...flags, '--', ...idle]);
    expect(outcome, flags.join(' ')).toMatchObject({ code: 2, stdout: '' });
    expect(outcome.stderr, flags.join(' ')).toMatch(/^error: [^\n]+\n(hint: [^\n]+\n)?$/);
  }
  expect((await volt(node, ['container', 'inspect', 'health-wrong'])).code).toBe(3);
});
