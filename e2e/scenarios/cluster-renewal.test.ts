/**
 * Certificates and credentials that live for a minute, on nodes that
 * work meanwhile. They have a lab of their own, because the other scenarios'
 * certificates live for a year.
 */
import { connect as tlsConnect } from 'node:tls';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually, installAgent, untilReady, volt, voltJson, voltText } from '../cluster/index.ts';
import { openLab, type Lab, type LabNode } from '../lab/index.ts';
import { EVIDENCE_DIR, openTestLab } from '../lab/testing.ts';
import { fileOf } from './cluster-view.ts';
import { Tunnel } from './cluster-tunnel.ts';
import { applyWeb, importWeb, pageOf, untilServing } from './cluster-web.ts';

const LIFE_SECONDS = 60;
const WEB = { name: 'web', replicas: 2 };
const TIMEOUT_MS = 400_000;
/** Two thirds of a life, the spread, and time to be told of it, twice. */
const RENEWED_TWICE_MS = 2.5 * LIFE_SECONDS * 1000;

let lab: Lab;
let controller: LabNode;
let agent: LabNode;

beforeAll(async () => {
  const main = await openTestLab();
  lab = await openLab({ name: `${main.name}-renew`, nodes: 2 });
  await lab.down();
  await lab.up({ binary: join(main.paths.bin, 'volt') });
  [controller, agent] = lab.nodes as [LabNode, LabNode];
  for (const node of lab.nodes) {
    await node.sh(`mkdir -p /etc/volt; echo 'certificates.seconds: ${LIFE_SECONDS}' > /etc/volt/config.yaml`);
  }
  await Promise.all(lab.nodes.map(installAgent));
  await voltText(controller, ['cluster', 'init', '--address', controller.address]);
  const { join: token } = await eventually('the controller gives a token', () =>
    voltJson<{ join: string }>(controller, ['cluster', 'token']).catch(() => undefined),
  );
  const words = ['cluster', 'join', `${controller.address}:7444`, '--address', agent.address, '--role', 'agent'];
  await voltText(agent, [...words, '--token-file', '-'], { input: token });
  await untilReady(controller, 2);
  await importWeb(controller);
  await applyWeb(controller, WEB);
  await untilServing(controller, WEB, 60_000);
}, TIMEOUT_MS);

afterAll(async () => lab.down());

const withEvidence = (body: () => Promise<void>) => async () => {
  try {
    await body();
  } catch (error) {
    await lab.collectEvidence(join(EVIDENCE_DIR, 'renewal'));
    throw error;
  }
};

interface NodeRow {
  readonly name: string;
  readonly state: string;
  readonly certificateUntil: string;
}

const nodes = () => voltJson<NodeRow[]>(controller, ['node', 'list']);

/** When the certificate that is shown at a port ends. */
async function shownAt(node: LabNode, port: number): Promise<Date> {
  const [ca, cert, key] = await Promise.all([
    fileOf(controller, 'authority'),
    fileOf(controller, 'certificate'),
    fileOf(controller, 'key'),
  ]);
  const tunnel = await Tunnel.open(node, port);
  const socket = tlsConnect({ host: '127.0.0.1', port: tunnel.port, ca, cert, key, servername: '' });
  try {
    return await new Promise((resolve, reject) => {
      socket.once('secureConnect', () => resolve(socket.getPeerX509Certificate()!.validToDate));
      socket.once('error', reject);
    });
  } finally {
    socket.destroy();
    await tunnel.close();
  }
}

const processes = (node: LabNode) =>
  node.sh("systemctl show --property=Id,MainPID,NRestarts 'volt*.service' | grep -v container | sort");

test(
  'all of them are renewed again and again, nothing is started anew, and no page and no node is missed',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    const before = new Map((await nodes()).map(({ name, certificateUntil }) => [name, certificateUntil]));
    const ran = await Promise.all(lab.nodes.map(processes));
    const addresses = (await untilServing(controller, WEB)).map(({ address }) => address!);
    const failures: string[] = [];
    let pages = 0;
    const isTwiceRenewed = async () => {
      for (const address of addresses) {
        await pageOf(controller, address).then(
          () => (pages += 1),
          (thrown: unknown) => failures.push(String(thrown)),
        );
      }
      const rows = await nodes();
      failures.push(...rows.filter(({ state }) => state !== 'ready').map(({ name }) => `${name} is lost`));
      const gains = rows.map(
        ({ name, certificateUntil }) => Date.parse(certificateUntil) - Date.parse(before.get(name)!),
      );
      // A renewal is no sooner than after two thirds of a life.
      return gains.every((gain) => gain > LIFE_SECONDS * 1000 * 1.2);
    };
    await eventually('all nodes have renewed twice', isTwiceRenewed, RENEWED_TWICE_MS);
    expect(failures).toEqual([]);
    expect(pages).toBeGreaterThan(50);
    expect(await Promise.all(lab.nodes.map(processes))).toEqual(ran);
    // What was signed in the beginning has ended, so what is shown and believed everywhere is new.
    const now = Date.now();
    for (const port of [7443, 7444, 4222]) expect((await shownAt(controller, port)).getTime()).toBeGreaterThan(now);
    expect((await shownAt(agent, 7443)).getTime()).toBeGreaterThan(now);
    const [status] = [await voltJson<{ certificatesUntil: string }>(controller, ['cluster', 'status'])].flat();
    expect(Date.parse(status!.certificatesUntil)).toBeGreaterThan(now);
    await applyWeb(controller, { ...WEB, colour: 'green' });
    await untilServing(controller, { ...WEB, colour: 'green' }, 60_000);
  }),
);

test(
  'a person renews a node at once, from another node, and certificates of people go on as well',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    const renewed = await voltJson<{ node: string; until: string }>(controller, [
      ...['--context', 'cluster', '--node', agent.name],
      ...['cluster', 'renew'],
    ]);
    const [row] = [renewed].flat();
    expect(row!.node).toBe(agent.name);
    expect(await shownAt(agent, 7443)).toEqual(new Date(row!.until));
    const dir = '/etc/volt/cluster';
    const host = `https://${controller.address}:7444`;
    await controller.sh(`mkdir -p /root/me && cp ${dir}/ca.crt ${dir}/admin.crt ${dir}/admin.key /root/me/`);
    const files = ['--ca', '/root/me/ca.crt', '--cert', '/root/me/admin.crt', '--key', '/root/me/admin.key'];
    await voltText(controller, ['context', 'add', 'me', '--host', host, ...files]);
    await voltText(controller, ['--context', 'me', 'context', 'renew']);
    const ends = await controller.sh('openssl x509 -in /root/me/admin.crt -noout -enddate -subject');
    expect(ends).toMatch(/O ?= ?volt:admin/);
    expect(await voltText(controller, ['--context', 'me', 'node', 'list'])).toContain(agent.name);
  }),
);

test(
  'an agent that is killed while it renews is a member when it is back',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    for (const node of lab.nodes) {
      for (const pause of ['0.01', '0.03', '0.05', '0.1']) {
        await eventually(
          `the agent of ${node.name} answers`,
          async () => (await volt(node, ['system', 'info'])).code === 0,
        );
        await node.sh(
          `volt cluster renew > /dev/null 2>&1 & sleep ${pause}; systemctl kill -s KILL volt.service; wait || :`,
        );
      }
    }
    await untilReady(controller, 2);
    await untilServing(controller, { ...WEB, colour: 'green' }, 60_000);
    for (const node of lab.nodes) await voltText(node, ['cluster', 'renew']);
  }),
);

test(
  'a node whose certificate ended while it was away is refused, and its log says what to do',
  { timeout: TIMEOUT_MS },
  withEvidence(async () => {
    await agent.sh('systemctl stop volt.socket volt.service');
    const { until } = [await voltJson<{ until: string }>(controller, ['cluster', 'renew'])].flat()[0]!;
    await eventually('its certificate has ended', async () => Date.now() > Date.parse(until) + 1000, TIMEOUT_MS);
    await agent.sh('systemctl start volt.socket volt.service');
    await eventually('its log says so', async () =>
      (await agent.sh('cat /var/log/volt/daemon.log')).includes('volt cluster leave --force, and join again'),
    );
    expect((await nodes()).find(({ name }) => name === agent.name)?.state).toBe('lost');
    expect((await volt(agent, ['cluster', 'renew'])).code).toBe(5);
  }),
);
