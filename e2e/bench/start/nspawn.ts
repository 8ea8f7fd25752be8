/** A container as systemd alone starts it: a transient unit around systemd-nspawn, and nothing else. */
import type { LabNode } from '../../lab/index.ts';
import type { Contender } from '../bench.ts';
import { PORT, ROOTFS, SERVER, type BenchNode } from './bench-node.ts';

const BRIDGE = 'bare0';
const ADDRESS = '10.201.0.2';
const MAC = '02:00:00:00:00:02';
const UID_BASE = 1310720;
const HOST_PORT = PORT + 1;

export const NSPAWN_UNIT = 'nspawn unit';

/**
 * A copy of the tree that belongs to the container's root, and a bridge that knows the container's address. One
 * more port keeps the bridge up between the runs: when it goes down it forgets what it knew.
 */
export async function prepareNspawn(node: LabNode): Promise<void> {
  await node.sh(`
    cp -a ${ROOTFS} ${ROOTFS}-bare
    chown -hR ${UID_BASE}:${UID_BASE} ${ROOTFS}-bare
    ip link add ${BRIDGE} type bridge
    ip address add 10.201.0.1/24 dev ${BRIDGE}
    ip link set ${BRIDGE} up
    ip link add ${BRIDGE}-up master ${BRIDGE} up type veth peer name ${BRIDGE}-end
    ip link set ${BRIDGE}-end up
    ip neighbour replace ${ADDRESS} lladdr ${MAC} nud permanent dev ${BRIDGE}`);
}

/** With what a container of Volt has: user namespace, overlay on a read-only tree, a cable to a bridge. */
export function bareNspawn(benchNode: BenchNode): Contender {
  const setUp = `ip address add ${ADDRESS}/24 dev host0; ip link set host0 address ${MAC} up; exec "$@"`;
  return {
    name: NSPAWN_UNIT,
    role: 'peer',
    sample: nspawnSample(benchNode, {
      arguments: [`--network-bridge=${BRIDGE}`],
      program: ['/bin/sh', '-c', setUp, 'set-up', ...SERVER],
      server: { address: ADDRESS, port: PORT },
    }),
  };
}

/** The least that nspawn can be asked to do. */
export function bareNspawnOnHost(benchNode: BenchNode): Contender {
  return {
    name: "nspawn unit, host's network",
    role: 'reference',
    sample: nspawnSample(benchNode, {
      arguments: [],
      program: SERVER.map((word) => (word === String(PORT) ? String(HOST_PORT) : word)),
      server: { address: '127.0.0.1', port: HOST_PORT },
    }),
  };
}

function nspawnSample(
  { measure }: BenchNode,
  container: {
    readonly arguments: readonly string[];
    readonly program: readonly string[];
    readonly server: { readonly address: string; readonly port: number };
  },
): () => Promise<number> {
  let count = 0;
  return async () => {
    // A name of its own each time: the kernel takes a namespace and its cable away some time after the unit ended.
    const name = `bare-${container.server.port}-${++count}`;
    const argv = [...unit(name), ...nspawn(name), ...container.arguments, '--', ...container.program];
    try {
      return await measure({ act: { kind: 'command', argv }, server: container.server });
    } finally {
      await measure({ act: { kind: 'command', argv: ['systemctl', 'stop', name] } });
    }
  };
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
