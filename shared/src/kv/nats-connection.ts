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
/** A former connection stays open this long: longer than any call takes. */
const RETIRED_MS = 5 * CALL_TIMEOUT_MS;
/** For a line beside the one there is; without it that one is kept. */
const RENEW_TIMEOUT_MS = 10_000;
/** All nodes come back at one moment when a server does. */
const RECONNECT_JITTER_MS = 1000;

/**
 * With NATS's defaults a client notices a dead server after minutes; measured,
 * one fail-over took 20 s. These find it within 6 s.
 */
function natsOptions(given: () => ConnectOptions, closing: AbortSignal): ConnectionOptions {
  const { servers, tls, credentials, node, role } = given();
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
    ...(tls === undefined ? {} : { tls: presentTls(given) }),
    ...(credentials === undefined ? {} : { authenticator: presentCredentials(given) }),
  };
}

/** As of each dial: a client that tries again for days must not do so with what has expired meanwhile. */
function presentTls(given: () => ConnectOptions): NonNullable<ConnectionOptions['tls']> {
  const present = (part: 'ca' | 'cert' | 'key') => given().tls?.[part] ?? '';
  return {
    get ca() {
      return present('ca');
    },
    get cert() {
      return present('cert');
    },
    get key() {
      return present('key');
    },
    handshakeFirst: true,
  };
}

const presentCredentials = (given: () => ConnectOptions) => (nonce?: string) =>
  credsAuthenticator(new TextEncoder().encode(given().credentials))(nonce);

/** What is shown at the servers' door. */
export type Credentials = Required<Pick<ConnectOptions, 'tls' | 'credentials'>>;

export class NatsLine {
  #given: ConnectOptions;
  readonly #closing = new AbortController();
  readonly #running: Promise<void>;
  #connection: NatsConnection | undefined;
  #isUp = false;
  readonly #retired: Set<NatsConnection> = new Set();
  readonly #whenUp: Set<() => void> = new Set();

  constructor(options: ConnectOptions) {
    this.#given = options;
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

  /**
   * Goes on with others. A line that is up is replaced only once another one is, so that nobody notices; rejects when
   * the servers do not let that one in, and has changed nothing then.
   */
  async renew(credentials: Credentials): Promise<void> {
    const given = { ...this.#given, ...credentials };
    const former = this.#isUp ? this.#connection : undefined;
    const fresh = former === undefined ? undefined : await this.#another(given);
    // One that is down takes them at its next try.
    this.#given = given;
    if (former === undefined || fresh === undefined) return;
    if (this.#closing.signal.aborted || this.#connection !== former) return void (await fresh.close());
    this.#adopt(fresh);
    this.#retire(former);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all([...this.#retired].map((connection) => connection.close()));
    await this.#connection?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      try {
        const connection = await connect(natsOptions(() => this.#given, signal));
        if (signal.aborted) return void (await connection.close());
        this.#adopt(connection);
        // Each may be replaced by another while it is followed.
        while (this.#connection !== undefined && !this.#connection.isClosed()) await this.#follow(this.#connection);
      } catch {
        // Nothing to tell: callers are told NETWORK, and this tries again.
      }
      this.#isUp = false;
      this.#connection = undefined;
      await Promise.race([new Promise((resolve) => setTimeout(resolve, RECONNECT_WAIT_MS).unref()), aborted(signal)]);
    }
  }

  /** Those who wait for an answer on a former connection get it; to drain it would stop listening for answers. */
  #retire(former: NatsConnection): void {
    this.#retired.add(former);
    setTimeout(() => {
      this.#retired.delete(former);
      void former.close();
    }, RETIRED_MS).unref();
  }

  /** A connection beside the one there is. Rejects when none is made within RENEW_TIMEOUT_MS. */
  async #another(given: ConnectOptions): Promise<NatsConnection> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(), RENEW_TIMEOUT_MS);
    try {
      let present = () => given;
      const signal = AbortSignal.any([this.#closing.signal, late.signal]);
      const fresh = await connect(natsOptions(() => present(), signal));
      present = () => this.#given;
      return fresh;
    } finally {
      clearTimeout(timer);
    }
  }

  #adopt(connection: NatsConnection): void {
    this.#connection = connection;
    this.#isUp = true;
    for (const listener of this.#whenUp) listener();
  }

  /** Resolves when the connection is closed for good. */
  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (connection !== this.#connection) continue;
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
