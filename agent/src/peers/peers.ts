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
import { type RestOfObject, unpackFromWire } from '../store/index.ts';

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
/** One that is there begins to answer at once; one that lost its power would have others wait for it. */
const ANSWER_TIMEOUT_MS = 10_000;
/** How many peers are asked at once who has an image. */
const ASKED_MAX = 16;

interface Rest {
  readonly digest: string;
  readonly from: number;
}

interface Question {
  readonly digests: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export class Peers {
  readonly #options: PeersOptions;
  #agent: Agent;

  constructor(options: PeersOptions) {
    this.#options = options;
    this.#agent = agentFor(options.identity);
  }

  /** New connections show what the identity is at this moment; transfers that run go on. */
  renewed(): void {
    this.#agent = agentFor(this.#options.identity);
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
    return unpacked(await this.#ask(peer, { digests, headers: {}, signal }));
  }

  /** One object from a place on; an older peer gives all of it. Rejects as `fetchObjects` does. */
  async fetchRest(peer: Peer, { digest, from }: Rest, signal: AbortSignal): Promise<RestOfObject> {
    const response = await this.#ask(peer, { digests: [digest], headers: { range: `bytes=${from}-` }, signal });
    return { from: response.statusCode === 206 ? from : 0, chunks: unpacked(response) };
  }

  close(): void {
    this.#agent.destroy();
  }

  async #ask(peer: Peer, { digests, headers, signal }: Question): Promise<IncomingMessage> {
    const sent = request({
      agent: this.#agent,
      host: peer.address,
      port: this.#options.port,
      servername: '',
      path: '/objects',
      method: 'POST',
      headers: { 'content-type': 'text/plain', 'accept-encoding': 'zstd', ...headers },
      signal: signal,
    });
    // One error rejects below; those that follow an answer reach its reader.
    sent.on('error', () => {});
    sent.end(digests.join('\n'));
    const silence = setTimeout(() => sent.destroy(new Error('timed out')), ANSWER_TIMEOUT_MS);
    const [response] = (await once(sent, 'response')
      .catch((cause: unknown) => {
        throw new VoltError('NETWORK', `Node '${peer.name}' does not answer`, { cause });
      })
      .finally(() => clearTimeout(silence))) as [IncomingMessage];
    if (response.statusCode === 200 || response.statusCode === 206) return response;
    response.resume();
    throw new VoltError('PERMISSION', `Node '${peer.name}' refused, with HTTP status ${response.statusCode}`);
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

const agentFor = (identity: PeerIdentity): Agent =>
  new Agent({ keepAlive: true, maxSockets: 8, minVersion: 'TLSv1.3', ...identity });

/** Older peers do not pack. */
const unpacked = (response: IncomingMessage): AsyncIterable<Uint8Array> =>
  response.headers['content-encoding'] === 'zstd' ? unpackFromWire(response) : response;
