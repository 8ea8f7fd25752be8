/** A container as systemd alone starts it: a transient unit around systemd-nspawn, and nothing else. */
import type { LabNode } from '../../lab/index.ts';
import type { Contender } from '../bench.ts';
import type { Server } from './orders.ts';
import { PORT, ROOTFS, SERVER, type BenchNode } from './bench-node.ts';

const BRIDGE = 'bare0';
const BRIDGE_MAC = '02:00:00:00:00:fe';
const ADDRESSES = 200;
const UID_BASE = 1310720;
const HOST_PORT = PORT + 1;

export const NSPAWN_UNIT = 'nspawn unit';

/** Of one run: the kernel takes a namespace and its cable away, and forgets their addresses, only after a while. */
interface Turn {
  readonly name: string;
  readonly address: string;
  readonly mac: string;
}

/**
 * A copy of the tree that belongs to the container's root, and a bridge that knows the containers' addresses. An
 * address of its own and one more port keep it as it is between the runs: it forgets all it knew when it goes down,
 * and when it takes on the address of a new port.
 */
export async function prepareNspawn(node: LabNode): Promise<void> {
  await node.sh(`
    cp -a ${ROOTFS} ${ROOTFS}-bare
    chown -hR ${UID_BASE}:${UID_BASE} ${ROOTFS}-bare
    ip link add ${BRIDGE} address ${BRIDGE_MAC} type bridge
    ip address add 10.201.0.254/24 dev ${BRIDGE}
    ip link set ${BRIDGE} up
    ip link add ${BRIDGE}-up master ${BRIDGE} up type veth peer name ${BRIDGE}-end
    ip link set ${BRIDGE}-end up`);
  const known = Array.from({ length: ADDRESSES }, (_, count) => turnOf('bare', count)).map(
    ({ address, mac }) => `neighbour replace ${address} lladdr ${mac} nud permanent dev ${BRIDGE}\n`,
  );
  await node.exec(['ip', '-batch', '-'], { input: known.join('') });
}

/** With what a container of Volt has: user namespace, overlay on a read-only tree, a cable to a bridge. */
export function bareNspawn(benchNode: BenchNode): Contender {
  return {
    name: NSPAWN_UNIT,
    role: 'peer',
    sample: nspawnSample(benchNode, 'bare', ({ address, mac }) => {
      const setUp = `ip address add ${address}/24 dev host0; ip link set host0 address ${mac} up; exec "$@"`;
      return {
        arguments: [`--network-bridge=${BRIDGE}`],
        program: ['/bin/sh', '-c', setUp, 'set-up', ...SERVER],
        server: { address, port: PORT, asked: 'at once' },
      };
    }),
  };
}

/** The least that nspawn can be asked to do. */
export function bareNspawnOnHost(benchNode: BenchNode): Contender {
  return {
    name: "nspawn unit, host's network",
    role: 'reference',
    sample: nspawnSample(benchNode, 'barest', () => ({
      arguments: [],
      program: SERVER.map((word) => (word === String(PORT) ? String(HOST_PORT) : word)),
      server: { address: '127.0.0.1', port: HOST_PORT, asked: 'at once' },
    })),
  };
}

function nspawnSample(
  { measure }: BenchNode,
  prefix: string,
  containerOf: (turn: Turn) => {
    readonly arguments: readonly string[];
    readonly program: readonly string[];
    readonly server: Server;
  },
): () => Promise<number> {
  let count = 0;
  return async () => {
    const turn = turnOf(prefix, count++);
    const container = containerOf(turn);
    const argv = [...unit(turn.name), ...nspawn(turn.name), ...container.arguments, '--', ...container.program];
    try {
      return await measure({ act: { kind: 'command', argv }, server: container.server });
    } finally {
      await measure({ act: { kind: 'command', argv: ['systemctl', 'stop', turn.name] } });
    }
  };
}

function turnOf(prefix: string, count: number): Turn {
  const host = (count % ADDRESSES) + 1;
  const mac = `02:00:00:00:00:${host.toString(16).padStart(2, '0')}`;
  return { name: `${prefix}-${count}`, address: `10.201.0.${host}`, mac };
}

const unit = (name: string): string[] => [
  'systemd-run',
  '--quiet',
  '--collect',
  `--unit=${name}`,
  '--property=Type=notify',
  '--property=NotifyAccess=main',
  '--property=Delegate=yes',
  '--property=KillMode=mixed',
];

const nspawn = (name: string): string[] => [
  '/usr/bin/systemd-nspawn',
  '--quiet',
  '--keep-unit',
  '--register=no',
  `--machine=${name}`,
  `--directory=${ROOTFS}-bare`,
  '--volatile=overlay',
  `--private-users=${UID_BASE}:65536`,
  '--private-users-ownership=off',
  // The server is the container's first process, which a TERM does not reach.
  '--kill-signal=SIGKILL',
  '--resolv-conf=off',
  '--timezone=off',
  '--link-journal=no',
  '--console=pipe',
];
