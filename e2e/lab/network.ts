/**
 * The lab's network: one bridge inside a network namespace of its own (the
 * switch), one namespace a node, a virtual cable between the two. The host's
 * own network namespace is never touched.
 */
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { mustRun, run } from './process.ts';
import { GATEWAY_ADDRESS, nodeAddress, nodeMac, nodeName, nodeNetns, switchNetns } from './settings.ts';

const NETNS_DIR = '/run/netns';
const BRIDGE = 'lab0';

export const netnsPath = (name: string): string => join(NETNS_DIR, name);

export async function createSwitch(lab: string): Promise<void> {
  const netns = switchNetns(lab);
  if (existsSync(netnsPath(netns))) return;
  await mustRun(['ip', 'netns', 'add', netns]);
  await configure(netns, [
    'link set lo up',
    `link add ${BRIDGE} type bridge`,
    `addr add ${GATEWAY_ADDRESS}/24 dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
  ]);
  // It forwards nothing, having no way out; but it says so, and nodes need not wait for a time-out.
  const forward = 'echo 1 > /proc/sys/net/ipv4/ip_forward';
  await mustRun(['nsenter', `--net=${netnsPath(netns)}`, '--', '/bin/sh', '-c', forward]);
}

/** Gives a node a fresh namespace and a cable. Whatever an earlier life of the node left is removed first. */
export async function plugIn(lab: string, index: number): Promise<void> {
  await unplug(lab, index);
  const netns = nodeNetns(lab, index);
  const port = nodeName(index);
  await mustRun(['ip', 'netns', 'add', netns]);
  await configure(switchNetns(lab), [
    `link add ${port} type veth peer name eth0 address ${nodeMac(index)} netns ${netns}`,
    `link set ${port} master ${BRIDGE} up`,
  ]);
  await configure(netns, [
    'link set lo up',
    `addr add ${nodeAddress(index)}/24 dev eth0`,
    'link set eth0 up',
    `route add default via ${GATEWAY_ADDRESS}`,
  ]);
}

/**
 * Takes the cable and the namespace away. The cable first and by name: a
 * namespace is taken down asynchronously, and its end of the cable with it.
 */
export async function unplug(lab: string, index: number): Promise<void> {
  await run(['ip', '-n', switchNetns(lab), 'link', 'del', nodeName(index)]);
  await removeNetns(nodeNetns(lab, index));
}

/** Cuts or mends the cable of one node. The node itself sees no carrier. */
export async function setPort(lab: string, index: number, state: 'up' | 'down'): Promise<void> {
  await mustRun(['ip', '-n', switchNetns(lab), 'link', 'set', nodeName(index), state]);
}

/** Removes every namespace of a lab, known or left over. */
export async function removeNetwork(lab: string): Promise<void> {
  const names = existsSync(NETNS_DIR) ? await readdir(NETNS_DIR) : [];
  for (const name of names) {
    if (name.startsWith(`${lab}.`)) await removeNetns(name);
  }
}

async function removeNetns(name: string): Promise<void> {
  if (existsSync(netnsPath(name))) await mustRun(['ip', 'netns', 'del', name]);
}

async function configure(netns: string, lines: readonly string[]): Promise<void> {
  await mustRun(['ip', '-n', netns, '-batch', '-'], { input: `${lines.join('\n')}\n` });
}
