import { expect, test } from 'vitest';
import { FakeSystemd, MemoryFiles } from '../host/testing.ts';
import type { Programs, RunResult } from '../host/index.ts';
import { refuseClash } from './clash.ts';
import { createNetwork } from './network.ts';
import {
  NETWORK_UNIT,
  peersOf,
  renderIp,
  renderNetworkUnit,
  renderNft,
  renderRoutes,
  ROUTE_PROTOCOL,
} from './render.ts';
import { parseSubnet } from './subnet.ts';

const { signal } = new AbortController();
const bridge = { name: 'volt0', subnet: parseSubnet('10.0.1.0/24') };
const peers = [{ subnet: parseSubnet('10.0.2.0/24'), address: '192.168.0.2' }];

test('commands for the bridge', () => expect(renderIp(bridge) + renderRoutes(peers)).toMatchSnapshot());
test('the table', () => expect(renderNft(bridge, peers)).toMatchSnapshot());
test('the unit', () => expect(renderNetworkUnit('volt0', '/var/lib/volt/networks')).toMatchSnapshot());
test('peers are read back from the commands', () => expect(peersOf(renderRoutes(peers))).toEqual(peers));

const veth = { ifname: 'volt0', linkinfo: { info_kind: 'veth' } };
const own = { ifname: 'volt0', linkinfo: { info_kind: 'bridge' } };

test('a bridge that is there already is taken', () =>
  expect(() => refuseClash(bridge, [own], [{ dst: '10.0.1.0/24', dev: 'volt0' }])).not.toThrow());
test('another kind of interface is not', () =>
  expect(() => refuseClash(bridge, [veth], [])).toThrow("'volt0' is an interface already, and not a bridge"));
test('addresses that another interface has are refused, with the reason', () =>
  expect(() => refuseClash(bridge, [], [{ dst: '10.0.0.0/16', dev: 'eth0' }])).toThrow(
    "10.0.1.0/24 is in use: 10.0.0.0/16 is on 'eth0'",
  ));
test('a default route and a wide one are not a use', () =>
  expect(() =>
    refuseClash(
      bridge,
      [],
      [
        { dst: 'default', dev: 'eth0' },
        { dst: '10.0.0.0/8', dev: 'eth0' },
      ],
    ),
  ).not.toThrow());

/** A kernel that remembers our routes. */
class FakeKernel implements Programs {
  readonly routes = new Map<string, string>();
  readonly runs: string[] = [];

  async run(
    argv: readonly string[],
    { input = '' }: { input?: string | Uint8Array | undefined } = {},
  ): Promise<RunResult> {
    this.runs.push(argv.join(' '));
    for (const line of String(input).split('\n')) {
      const [, verb, dst = '', ...rest] = line.split(' ');
      if (verb === 'replace') this.routes.set(dst, rest[1] ?? '');
      if (verb === 'del') this.routes.delete(dst);
    }
    const isOurs = argv.includes(String(ROUTE_PROTOCOL));
    const stdout = isOurs ? JSON.stringify([...this.routes.keys()].map((dst) => ({ dst }))) : '';
    return { code: 0, stdout, stderr: '' };
  }

  async open(): Promise<never> {
    throw new Error('Nothing is opened');
  }
}

async function world(kernel = new FakeKernel(), files = new MemoryFiles()) {
  const systemd = new FakeSystemd(files, '/etc/systemd/system');
  const network = createNetwork({ files, systemd, programs: kernel, subnet: '10.0.1.0/24' });
  return { network, kernel, files, systemd };
}

test('the bridge comes up with its unit, which is enabled, and again changes nothing', async () => {
  const { network, systemd, files } = await world();
  await network.up(signal);
  const before = [...systemd.units.values()];
  expect(before).toMatchObject([{ name: NETWORK_UNIT, activeState: 'active' }]);
  expect(await files.exists(`/etc/systemd/system/multi-user.target.wants/${NETWORK_UNIT}`)).toBe(true);
  await network.up(signal);
  expect([...systemd.units.values()]).toEqual(before);
});

test('routes become exactly those that were given', async () => {
  const { network, kernel } = await world();
  await network.up(signal);
  await network.setRoutes(
    [
      { subnet: '10.0.2.0/24', address: '192.168.0.2' },
      { subnet: '10.0.3.0/24', address: '192.168.0.3' },
    ],
    signal,
  );
  await network.setRoutes([{ subnet: '10.0.3.0/24', address: '192.168.0.9' }], signal);
  expect([...kernel.routes]).toEqual([['10.0.3.0/24', '192.168.0.9']]);
  await network.setRoutes([], signal);
  expect([...kernel.routes]).toEqual([]);
});

test('an agent that starts keeps the routes of the one before', async () => {
  const first = await world();
  await first.network.up(signal);
  await first.network.setRoutes([{ subnet: '10.0.2.0/24', address: '192.168.0.2' }], signal);
  const written = await first.files.read('/var/lib/volt/networks/volt0.routes');
  const next = await world(first.kernel, first.files);
  await next.network.up(signal);
  expect(await next.files.read('/var/lib/volt/networks/volt0.routes')).toBe(written);
});

test.each([
  ['10.0.2.0/24; reboot', '192.168.0.2'],
  ['10.0.2.0/24', '192.168.0.2 dev lo'],
])('a route to %s via %s is refused', async (subnet, address) => {
  const { network, kernel } = await world();
  await expect(network.setRoutes([{ subnet, address }], signal)).rejects.toMatchObject({ code: 'INVALID_CONFIG' });
  expect([...kernel.routes]).toEqual([]);
});

test('a bridge name that the kernel would not take is refused', () =>
  expect(() =>
    createNetwork({
      files: new MemoryFiles(),
      systemd: new FakeSystemd(new MemoryFiles(), ''),
      programs: new FakeKernel(),
      bridge: 'a-name-of-16-chrs',
    }),
  ).toThrow('is not a bridge name'));
