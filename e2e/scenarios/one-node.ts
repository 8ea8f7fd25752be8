/**
 * For scenarios of one node: an agent that runs, a small image, containers that
 * are cleared away after each scenario, and a list of what the node holds.
 */
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import type { ContainerConfig, ContainerStatus, Enforced } from '@volt/shared/model';
import { installAgent, voltJson, voltText } from '../cluster/index.ts';
import type { LabNode } from '../lab/index.ts';
import { openTestLab, withEvidence } from '../lab/testing.ts';

export interface ContainerDetail {
  readonly status: ContainerStatus;
  readonly config: ContainerConfig;
  readonly isolation: Enforced;
}

/** Runs until it is told to stop, and then ends at once. */
export const idle = ['sleep', 'infinity'];

/** Where the archive that images are made from is on a node that has been made ready. */
export const ARCHIVE = '/var/lib/volt/scenarios/rootfs.tar';

/** Makes it of a few programs of the machine with their libraries: enough to run, talk and be asked. */
export const MAKE_ARCHIVE = `
root=$(mktemp -d)
mkdir -p $root/{bin,dev,etc,proc,root,run,sys,tmp}
for program in bash cat echo env id ls mv ping readlink rm sha256sum sleep socat stty tty wc; do
  file=$(readlink -f "/usr/bin/$program"); cp "$file" $root/bin/$program
  for library in $(ldd "$file" | grep -o '/[^ ]*'); do
    mkdir -p "$root$(dirname "$library")"; cp -n "$library" "$root$library"
  done
done
ln -s bash $root/bin/sh
mkdir -p "$(dirname ${ARCHIVE})"
tar -C $root -c . > ${ARCHIVE}.partial
mv ${ARCHIVE}.partial ${ARCHIVE}
rm -r $root`;

export interface OneNode {
  /** Of the image that this file's containers are made from; it names `idle` as what they run. */
  readonly image: string;
  /** A test on the node; all containers whose names begin with the prefix are gone after it. */
  readonly scenario: (name: string, body: (node: LabNode) => Promise<void>, timeoutMs?: number) => void;
}

/**
 * Readies node `index` for the scenarios of one file. Everything they make has
 * a name that begins with `prefix`, so it can be told from what others have there.
 */
export function onOneNode(prefix: string, index = 1): OneNode {
  const image = `${prefix}-image`;
  const theNode = async () => (await openTestLab()).node(index);

  beforeAll(async () => {
    const node = await theNode();
    await installAgent(node);
    await removeContainers(node, prefix);
    await node.sh(MAKE_ARCHIVE);
    await voltText(node, ['image', 'import', image, ARCHIVE, '--cmd', idle.join(' ')]);
  });
  afterEach(async () => removeContainers(await theNode(), prefix));
  afterAll(async () => {
    await voltText(await theNode(), ['image', 'delete', image]);
  });
  return {
    image,
    scenario: (name, body, timeoutMs) =>
      test(
        `${prefix}: ${name}`,
        withEvidence(`${prefix} ${name}`, (lab) => body(lab.node(index))),
        timeoutMs,
      ),
  };
}

async function removeContainers(node: LabNode, prefix: string): Promise<void> {
  const all = await voltJson<ContainerStatus[]>(node, ['container', 'list']);
  const ours = all.filter(({ name }) => name.startsWith(`${prefix}-`));
  await Promise.all(ours.map(({ name }) => voltText(node, ['container', 'delete', name, '--force'])));
}

/** A program, or a program and flags for `volt run`. */
type Run = readonly string[] | { readonly command: readonly string[]; readonly flags: readonly string[] };

export function run(node: LabNode, name: string, image: string, what: Run): Promise<ContainerStatus> {
  const { command, flags } = 'flags' in what ? what : { command: what, flags: [] };
  return voltJson<ContainerStatus>(node, ['run', name, image, ...flags, '--', ...command]);
}

export const inspect = (node: LabNode, name: string) => voltJson<ContainerDetail>(node, ['container', 'inspect', name]);

/** Lets a script inside that waits for a file go on. */
export const tell = (node: LabNode, name: string, file: string) => inside(node, name, `: > ${file}`);

/** What a shell inside the container prints. */
export const inside = (node: LabNode, name: string, script: string) =>
  voltText(node, ['exec', name, '--', 'sh', '-c', script]);

/** All that containers have on their node: mounts, namespaces, cables, units, folders, processes. */
export const holdings = (node: LabNode) =>
  node.sh(`
findmnt -rno TARGET | grep -E 'volt/containers|unix-export/volt-' || :
ip netns
ip -br link | grep -o 'volt-c[0-9]*' || :
ls -A /run/volt/containers /var/lib/volt/containers /var/lib/volt/units || :
ls -d /etc/systemd/system/volt-container@* /etc/systemd/system/*.wants/volt-container@* 2> /dev/null || :
ls -d /run/systemd/system/volt-container@* /run/systemd/nspawn/unix-export/volt-* 2> /dev/null || :
systemctl list-units --all --plain --no-legend 'volt-container@*' | cut -d' ' -f1
find /sys/fs/cgroup -type d -name 'volt-container@*'
ps -eo uid= | grep -E '^ *[0-9]{6,}$' | sort -u || :`);

/** With neither the agent nor the socket that would start it. */
export async function whileDown(node: LabNode, body: () => Promise<void>): Promise<void> {
  await node.sh('systemctl stop volt.socket volt.service');
  try {
    await body();
  } finally {
    await node.sh('systemctl start volt.socket volt.service');
  }
}
