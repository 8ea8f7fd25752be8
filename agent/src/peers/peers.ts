/**
 * This node's line to the other agents: which of them has an image, and the
 * objects of it. Over their TLS port, with this node's certificate.
 */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { connect, type Target } from '@volt/shared/client';
import { VoltError } from '@volt/shared/errors';
import { agentMethods } from '@volt/shared/rpc';

export interface Peer {
  readonly name: string;
  readonly address: string;
}

export interface PeerIdentity {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
}

export interface PeersOptions {
  readonly identity: PeerIdentity;
  readonly port: number;
  /** The other nodes of the cluster, as the cluster tells it at this moment. */
  readonly list: () => Promise<Peer[]>;
}

/** A peer that does not answer must not hold up those that do. */
const LOOK_TIMEOUT_MS = 3000;
/** How many peers are asked at once who has an image. */
const ASKED_MAX = 16;

export class Peers {
  readonly #options: PeersOptions;
  readonly #agent: Agent;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#agent = new Agent({ keepAlive: true, maxSockets: 8, minVersion: 'TLSv1.3', ...options.identity });
  }

  list(): Promise<Peer[]> {
    return this.#options.list();
  }

  /** The manifest that some peer knows under this image name. NOT_FOUND when none does. */
  async findImage(name: string, signal: AbortSignal): Promise<string> {
    const peers = (await this.list()).slice(0, ASKED_MAX);
    const answers = await Promise.all(peers.map((peer) => this.#inspect(peer, name, signal)));
    const digest = answers.find((answer) => answer !== undefined);
    if (digest !== undefined) return digest;
    throw new VoltError('NOT_FOUND', `No node of the cluster has an image '${name}'`, { hint: 'volt image list' });
  }

  /** Asks one peer for objects. Rejects with NETWORK or PERMISSION; the frames are checked by who reads them. */
  async fetchObjects(peer: Peer, digests: readonly string[], signal: AbortSignal): Promise<AsyncIterable<Uint8Array>> {
    const sent = request({
      agent: this.#agent,
      host: peer.address,
      port: this.#options.port,
      servername: '',
      path: '/objects',
      method: 'POST',
      headers: { 'content-type': 'text/plain' },
      signal,
    });
    // One error rejects below; those that follow an answer reach its reader.
    sent.on('error', () => {});
    sent.end(digests.join('\n'));
    const [response] = (await once(sent, 'response').catch((cause: unknown) => {
      throw new VoltError('NETWORK', `Node '${peer.name}' does not answer`, { cause });
    })) as [IncomingMessage];
    if (response.statusCode === 200) return response;
    response.resume();
    throw new VoltError('PERMISSION', `Node '${peer.name}' refused, with HTTP status ${response.statusCode}`);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #inspect(peer: Peer, name: string, signal: AbortSignal): Promise<string | undefined> {
    const target: Target = { kind: 'tls', host: peer.address, port: this.#options.port, ...this.#options.identity };
    const client = connect(target, agentMethods, { timeoutMs: LOOK_TIMEOUT_MS });
    try {
      return (await client.call('image.inspect', { name }, { signal })).digest;
    } catch {
      // It does not have it, or does not answer: either way somebody else is asked.
      return undefined;
    } finally {
      client.close();
    }
  }
}
