/** The line to NATS: kept open for ever, and failing fast while it is down. */
import { credsAuthenticator, connect, type ConnectionOptions, type NatsConnection } from '@nats-io/transport-node';
import { VoltError } from '../errors/index.ts';
import { inboxPrefix, type ClusterRole } from './permissions.ts';

export interface ConnectOptions {
  /** `address:port` of each NATS server; the first is tried first. */
  readonly servers: readonly string[];
  /** PEM texts. Without it the line is not encrypted, which only tests do. */
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
  /** Text of a NATS .creds file. */
  readonly credentials?: string;
  readonly node: string;
  readonly role: ClusterRole;
}

/** How long a call may take. Short, because the loops come back soon anyway. */
export const CALL_TIMEOUT_MS = 1000;
const RECONNECT_WAIT_MS = 250;
/** All nodes come back at one moment when a server does. */
const RECONNECT_JITTER_MS = 1000;

/**
 * With NATS's defaults a client notices a dead server after minutes; measured,
 * one fail-over took 20 s. These find it within 6 s.
 */
function natsOptions(
  { servers, tls, credentials, node, role }: ConnectOptions,
  closing: AbortSignal,
): ConnectionOptions {
  return {
    servers: [...servers],
    name: `volt-${role}-${node}`,
    inboxPrefix: inboxPrefix(role, node),
    // The server next door first: it is as alive as this node is.
    noRandomize: true,
    timeout: CALL_TIMEOUT_MS,
    pingInterval: 2000,
    maxPingOut: 2,
    reconnectDelayHandler: () => {
      // A first connection cannot be given up in any other way, and the servers may refuse it for ever.
      closing.throwIfAborted();
      return RECONNECT_WAIT_MS + Math.floor(Math.random() * RECONNECT_JITTER_MS);
    },
    maxReconnectAttempts: -1,
    // Credentials may be refused while the servers' configuration catches up.
    ignoreAuthErrorAbort: true,
    // TLS from the first byte; with NATS's own way the certificate is checked for no address at all.
    ...(tls === undefined ? {} : { tls: { ...tls, handshakeFirst: true } }),
    ...(credentials === undefined ? {} : { authenticator: credsAuthenticator(new TextEncoder().encode(credentials)) }),
  };
}

export class NatsLine {
  readonly #options: ConnectionOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #isUp = false;
  readonly #whenUp: Set<() => void> = new Set();

  constructor(options: ConnectOptions) {
    this.#options = natsOptions(options, this.#closing.signal);
    this.#running = this.#run();
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** The connection, or NETWORK at once: NATS's client would queue the call and send it when it is stale. */
  use(): NatsConnection {
    if (this.#connection === undefined || !this.#isUp) {
      throw new VoltError('NETWORK', 'The cluster cannot be reached', { hint: 'volt cluster status' });
    }
    return this.#connection;
  }

  /** Calls back on every first connection of a client; subscriptions made on it survive its reconnects. */
  onConnection(made: (connection: NatsConnection) => void, signal: AbortSignal): void {
    const listener = () => {
      if (this.#connection !== undefined) made(this.#connection);
    };
    this.#whenUp.add(listener);
    signal.addEventListener('abort', () => this.#whenUp.delete(listener), { once: true });
    listener();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const connection = await connect(this.#options);
        if (signal.aborted) return void (await connection.close());
        this.#connection = connection;
        this.#isUp = true;
        for (const listener of this.#whenUp) listener();
        await this.#follow(connection);
      } catch {
        // Nothing to tell: callers are told NETWORK, and this tries again.
      }
      this.#isUp = false;
      this.#connection = undefined;
      await Promise.race([new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS).unref()), aborted(signal)]);
    }
  }

  /** Resolves when the connection is closed for good. */
  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === 'disconnect') this.#isUp = false;
      if (type === 'reconnect') this.#isUp = true;
    }
    await connection.closed();
  }
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener('abort', () => resolve(undefined), { once: true });
  });
}
