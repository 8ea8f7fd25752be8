/**
 * Names of hosts, and who is asked for others: files that are mounted, so that
 * nobody inside can take them away, and written again whenever the container's
 * address is another.
 */
import { addedHosts, type ContainerConfig, HOST_GATEWAY } from '@volt/shared/model';
import type { Paths } from './paths.ts';

export const hostnameOf = ({ spec }: ContainerConfig): string => spec.hostname ?? spec.name;

export function renderHosts(config: ContainerConfig): string {
  const { spec, network } = config;
  const hostname = hostnameOf(config);
  // By its short name too, and by that which others of the node know it by.
  const own = [...new Set([hostname, hostname.split('.')[0]!, spec.name])];
  const added = addedHosts(spec).map(
    ({ name, address }) => `${address === HOST_GATEWAY ? network.gateway : address} ${name}`,
  );
  return [
    '127.0.0.1 localhost',
    '::1 localhost ip6-localhost ip6-loopback',
    `${network.address} ${own.join(' ')}`,
    ...added,
    '',
  ].join('\n');
}

/** Undefined where the node's own is right. Without servers the script puts those of the node there. */
export function renderResolv({ spec: { dns = [], dnsSearch = [] } }: ContainerConfig): string | undefined {
  if (dns.length === 0 && dnsSearch.length === 0) return undefined;
  const search = dnsSearch.length === 0 ? [] : [`search ${dnsSearch.join(' ')}\n`];
  return [...search, ...dns.map((server) => `nameserver ${server}\n`)].join('');
}

/** `own` is nspawn's way of giving the container what its node has. */
export function hostsArguments(config: ContainerConfig, { containers, run }: Paths, own: string): string[] {
  const { name } = config.spec;
  const resolv =
    renderResolv(config) === undefined
      ? [`--resolv-conf=${own}`]
      : ['--resolv-conf=off', `--bind-ro=${run}/${name}/resolv.conf:/etc/resolv.conf:norbind`];
  return [...resolv, `--bind-ro=${containers}/${name}/hosts:/etc/hosts:norbind`];
}

/** Of the script. A few lines, so a place of their own on the node's memory disk is enough. */
export const RESOLV = `make_resolv() {
  cp "$home/resolv.conf" "$run/resolv.conf"
  grep -q '^nameserver' "$run/resolv.conf" ||
    grep -s '^nameserver' /run/systemd/resolve/resolv.conf >> "$run/resolv.conf" ||
    grep -s '^nameserver' /etc/resolv.conf >> "$run/resolv.conf" || :
}

`;
