/**
 * The bridge that the containers of this node share, and the routes to those
 * of other nodes. All of it is written to files that volt-network.service
 * reads, so that a reboot brings it back without the agent.
 */
import { VoltError } from '@volt/shared/errors';
import type { Files, Programs, Systemd } from '../host/index.ts';
import { allocate } from './allocate.ts';
import { refuseClash, type Link, type Route } from './clash.ts';
import {
  NETWORK_UNIT,
  peersOf,
  renderIp,
  renderNetworkUnit,
  renderNft,
  renderRoutes,
  ROUTE_PROTOCOL,
  type Bridge,
  type Peer,
} from './render.ts';
import { formatSubnet, gatewayOf, parseAddress, parseSubnet } from './subnet.ts';

export interface Network {
  /** The network settings of one more container. Addresses in use are refused to it; none left is RESOURCE. */
  place(used: ReadonlySet<string>): Place;

  /**
   * Resolves once the bridge is up, at once when it is. CONFLICT, with the
   * reason, when the machine uses its name or addresses.
   */
  up(signal: AbortSignal): Promise<void>;

  /** Makes the routes to other nodes' containers be exactly these. The same again changes nothing. */
  setRoutes(peers: readonly PeerRoute[], signal: AbortSignal): Promise<void>;
}

export interface Place {
  readonly bridge: string;
  readonly address: string;
  readonly prefix: number;
  readonly gateway: string;
}

export interface PeerRoute {
  /** As CIDR. */
  readonly subnet: string;
  /** The node's own address. */
  readonly address: string;
}

export interface NetworkOptions {
  readonly files: Files;
  readonly programs: Programs;
  readonly systemd: Systemd;
  /** `volt0` unless given. At most 15 characters, as the kernel wants. */
  readonly bridge?: string | undefined;
  /** As CIDR; 10.0.0.0/24 unless given. */
  readonly subnet?: string | undefined;
  readonly folder?: string | undefined;
  readonly unitFolder?: string | undefined;
}

/** More nodes than one cluster has. */
const PEERS_MAX = 10_000;
const JOB_TIMEOUT_MS = 30_000;

export function createNetwork(options: NetworkOptions): Network {
  return new BridgeNetwork(options);
}

class BridgeNetwork implements Network {
  readonly #host: Pick<NetworkOptions, 'files' | 'programs' | 'systemd'>;
  readonly #bridge: Bridge;
  readonly #folder: string;
  readonly #unitFolder: string;
  #peers: readonly Peer[] | undefined;

  constructor(options: NetworkOptions) {
    const { bridge = 'volt0', subnet = '10.0.0.0/24' } = options;
    if (!/^[a-z][a-z0-9-]{0,14}$/.test(bridge)) {
      throw new VoltError('INVALID_CONFIG', `'${bridge}' is not a bridge name`, { hint: 'up to 15 of a-z, 0-9 and -' });
    }
    this.#host = options;
    this.#bridge = { name: bridge, subnet: parseSubnet(subnet) };
    this.#folder = options.folder ?? '/var/lib/volt/networks';
    this.#unitFolder = options.unitFolder ?? '/etc/systemd/system';
  }

  place(used: ReadonlySet<string>): Place {
    const { name, subnet } = this.#bridge;
    const gateway = gatewayOf(subnet);
    return { bridge: name, address: allocate(subnet, used, new Set([gateway])), prefix: subnet.prefix, gateway };
  }

  async up(signal: AbortSignal): Promise<void> {
    const { systemd } = this.#host;
    await this.#refuseClash(signal);
    // Routes outlive the agent; the cluster's loop corrects them when it has heard of the others.
    this.#peers ??= peersOf((await this.#host.files.read(this.#path('routes'))) ?? '');
    const isChanged = await this.#write();
    const [unit] = await systemd.list([NETWORK_UNIT]);
    if (!isChanged && unit?.activeState === 'active') return;
    await systemd.refresh(NETWORK_UNIT);
    // A oneshot that is done does nothing when started again.
    const job = { signal, timeoutMs: JOB_TIMEOUT_MS };
    await systemd.stop(NETWORK_UNIT, job);
    await systemd.start(NETWORK_UNIT, job);
  }

  async setRoutes(peers: readonly PeerRoute[], signal: AbortSignal): Promise<void> {
    const wanted = peers.slice(0, PEERS_MAX).map(checkedPeer);
    const stale = await this.#staleRoutes(wanted, signal);
    this.#peers = wanted;
    const isChanged = await this.#write();
    if (!isChanged && stale.length === 0 && wanted.length === 0) return;
    const removals = stale.map((dst) => `route del ${dst} proto ${ROUTE_PROTOCOL}\n`).join('');
    if (isChanged) await this.#run(['nft', '-f', this.#path('nft')], signal);
    // Forced: one peer that cannot be reached must not hold back the others.
    await this.#run(['ip', '-force', '-batch', '-'], signal, removals + renderRoutes(wanted));
  }

  async #refuseClash(signal: AbortSignal): Promise<void> {
    const [links, routes] = await Promise.all([
      this.#run(['ip', '-j', '-d', 'link', 'show'], signal),
      this.#run(['ip', '-j', '-4', 'route', 'show'], signal),
    ]);
    refuseClash(this.#bridge, parsed<Link>(links), parsed<Route>(routes));
  }

  async #staleRoutes(wanted: readonly Peer[], signal: AbortSignal): Promise<string[]> {
    const text = await this.#run(['ip', '-j', '-4', 'route', 'show', 'proto', String(ROUTE_PROTOCOL)], signal);
    const kept = new Set(wanted.map(({ subnet }) => formatSubnet(subnet)));
    return parsed<Route>(text)
      .map(({ dst }) => dst)
      .filter((dst) => !kept.has(dst));
  }

  /** Whether anything was different. */
  async #write(): Promise<boolean> {
    const { files } = this.#host;
    const peers = this.#peers ?? [];
    const unit = `${this.#unitFolder}/${NETWORK_UNIT}`;
    await files.makeFolder(this.#folder, { mode: 0o755 });
    await files.makeFolder(`${this.#unitFolder}/multi-user.target.wants`, { mode: 0o755 });
    const texts = [
      [this.#path('ip'), renderIp(this.#bridge)],
      [this.#path('routes'), renderRoutes(peers)],
      [this.#path('nft'), renderNft(this.#bridge, peers)],
      [unit, renderNetworkUnit(this.#bridge.name, this.#folder)],
    ] as const;
    let isChanged = false;
    for (const [path, text] of texts) {
      if ((await files.read(path)) === text) continue;
      await files.write(path, text, { mode: 0o644 });
      isChanged = true;
    }
    const wants = `${this.#unitFolder}/multi-user.target.wants/${NETWORK_UNIT}`;
    if (!(await files.exists(wants))) await files.link(unit, wants);
    return isChanged;
  }

  #path(kind: 'ip' | 'nft' | 'routes'): string {
    return `${this.#folder}/${this.#bridge.name}.${kind}`;
  }

  async #run(argv: readonly string[], signal: AbortSignal, input?: string): Promise<string> {
    const { code, stdout, stderr } = await this.#host.programs.run(argv, { signal, input });
    if (code === 0) return stdout;
    throw new VoltError('DEPENDENCY', `The network could not be set: ${argv[0]}: ${stderr.trim().split('\n')[0]}`);
  }
}

/** The words end up in `ip` commands, so they are made anew from numbers. */
function checkedPeer({ subnet, address }: PeerRoute): Peer {
  if (parseAddress(address) === undefined) throw new VoltError('INVALID_CONFIG', `'${address}' is not an address`);
  return { subnet: parseSubnet(subnet), address };
}

function parsed<T>(text: string): T[] {
  return text.trim() === '' ? [] : (JSON.parse(text) as T[]);
}
