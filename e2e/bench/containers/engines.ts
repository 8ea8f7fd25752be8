/** What each engine calls the same thing. All run the same program from the same files. */
import type { LabNode } from '../../lab/index.ts';
import { install, preparePodman } from '../start/index.ts';
import { FOLDER, IMAGE, PROGRAM, ROOTFS } from './containers-node.ts';

export interface Engine {
  readonly name: 'volt' | 'incus' | 'podman';
  /** Creates and starts; ends when it runs. */
  readonly launch: (name: string) => readonly string[];
  readonly exec: (name: string, program: string) => readonly string[];
  readonly stop: (name: string) => readonly string[];
  /** Of one that is down. */
  readonly remove: (name: string) => readonly string[];
  readonly list: readonly string[];
}

const VOLT = '/usr/local/bin/volt';

export const volt: Engine = {
  name: 'volt',
  launch: (name) => [VOLT, 'run', name, IMAGE],
  exec: (name, program) => [VOLT, 'exec', name, '--', program],
  stop: (name) => [VOLT, 'container', 'stop', name],
  remove: (name) => [VOLT, 'container', 'delete', name],
  list: [VOLT, 'ps'],
};

export const incus: Engine = {
  name: 'incus',
  launch: (name) => ['incus', 'launch', '--quiet', IMAGE, name],
  exec: (name, program) => ['incus', 'exec', name, '--', program],
  stop: (name) => ['incus', 'stop', name],
  remove: (name) => ['incus', 'delete', name],
  list: ['incus', 'list'],
};

export const podman: Engine = {
  name: 'podman',
  // By its name it would take the program for a systemd, and end it with another signal.
  launch: (name) => ['podman', 'run', '--detach', '--systemd=false', `--name=${name}`, IMAGE, PROGRAM],
  exec: (name, program) => ['podman', 'exec', name, program],
  stop: (name) => ['podman', 'stop', name],
  remove: (name) => ['podman', 'rm', name],
  list: ['podman', 'ps'],
};

/** As Debian has it, with a pool of folders, as the node has no better file system, and a bridge. */
async function prepareIncus(node: LabNode): Promise<void> {
  await install(node, 'incus-base', 'dnsmasq-base', 'nftables');
  await node.sh(`
    systemctl start incus.service
    incus admin init --minimal
    image=$(mktemp -d -p ${FOLDER})
    printf 'architecture: %s\\ncreation_date: 1700000000\\n' "$(uname -m)" > $image/metadata.yaml
    cp -a ${ROOTFS} $image/rootfs
    tar -C $image -cf $image.tar metadata.yaml rootfs
    incus image import --quiet $image.tar --alias ${IMAGE}
    rm -r $image $image.tar`);
}

export const peers: readonly { readonly engine: Engine; readonly prepare: (node: LabNode) => Promise<void> }[] = [
  { engine: incus, prepare: prepareIncus },
  { engine: podman, prepare: preparePodman },
];
