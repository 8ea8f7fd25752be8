/**
 * One connection to a message bus, opened at the first call and opened again
 * at the first call after it was lost.
 *
 * The library below never settles a call whose connection has died, so every
 * call carries a time-out, and losing the connection fails all that wait on it.
 */
import dbus, { type Message } from 'dbus-next';
import { VoltError } from '../errors/index.ts';
import { busError } from './bus-errors.ts';
import { Turns } from './turns.ts';

const CALL_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** The system bus refuses a connection its 129th call that waits for a reply. The rest is for matches. */
const CALLS_AT_ONCE = 100;
/** Two lists of as many units as a node can have. */
const CALLS_WAITING_MAX = 100_000;

export interface BusCall {
  readonly destination: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly signature?: string;
  readonly body?: readonly unknown[];
  readonly timeoutMs?: number;
}

export interface BusSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: readonly unknown[];
}

export interface Subscription {
  /** A match rule of the D-Bus specification. */
  readonly match: string;
  readonly onSignal: (signal: BusSignal) => void;
  /** The connection is gone: signals may have been missed. */
  readonly onLost: () => void;
}

interface Connection {
  readonly bus: dbus.MessageBus;
  readonly lost: AbortController;
}

export class SystemBus {
  readonly #address: string;
  readonly #subscriptions = new Set<Subscription>();
  readonly #turns = new Turns(CALLS_AT_ONCE, CALLS_WAITING_MAX);
  #connection: Promise<Connection> | undefined;

  constructor(options: { address?: string | undefined } = {}) {
    this.#address = options.address ?? 'unix:path=/run/dbus/system_bus_socket';
  }

  /** Resolves with the reply's body. Throws what bus-errors.ts says, TIMEOUT, or DEPENDENCY when there is no bus. */
  async call(call: BusCall): Promise<readonly unknown[]> {
    return this.#turns.run(async () => send(await this.#connected(), call));
  }

  /** Resolves once signals will arrive. They keep arriving over reconnects until the returned function is called. */
  async subscribe(subscription: Subscription): Promise<() => void> {
    this.#subscriptions.add(subscription);
    const unsubscribe = () => void this.#subscriptions.delete(subscription);
    try {
      const had = this.#connection;
      const connection = await this.#connected();
      // A connection made by this very call has added the match already.
      if (had !== undefined && had === this.#connection) await addMatch(connection, subscription.match);
    } catch (thrown) {
      unsubscribe();
      throw thrown;
    }
    return unsubscribe;
  }

  close(): void {
    const connection = this.#connection;
    this.#connection = undefined;
    this.#subscriptions.clear();
    connection?.then(
      ({ bus, lost }) => {
        lost.abort();
        bus.disconnect();
      },
      () => undefined,
    );
  }

  #connected(): Promise<Connection> {
    this.#connection ??= this.#open();
    return this.#connection;
  }

  #open(): Promise<Connection> {
    const opening = this.#connect(() => {
      if (this.#connection === opening) this.#connection = undefined;
    });
    return opening;
  }

  async #connect(forget: () => void): Promise<Connection> {
    const bus = dbus.sessionBus({ busAddress: this.#address });
    const lost = new AbortController();
    const lose = (cause?: unknown) => {
      if (lost.signal.aborted) return;
      forget();
      lost.abort(cause);
      for (const subscription of [...this.#subscriptions]) subscription.onLost();
    };
    bus.on('error', lose);
    streamOf(bus).on('close', lose);
    bus.on('message', (message: Message) => this.#deliver(message));
    const connection = { bus, lost };
    try {
      await connected(bus, lost.signal);
      await send(connection, systemdCall('Subscribe'));
      await Promise.all([...this.#subscriptions].map(({ match }) => addMatch(connection, match)));
    } catch (thrown) {
      lose(thrown);
      streamOf(bus).destroy();
      throw thrown;
    }
    return connection;
  }

  #deliver(message: Message): void {
    if (message.type !== dbus.MessageType.SIGNAL) return;
    const signal = {
      path: message.path,
      interface: message.interface,
      member: message.member,
      body: message.body as unknown[],
    };
    for (const subscription of [...this.#subscriptions]) subscription.onSignal(signal);
  }
}

/** A call of systemd's manager object. */
export const systemdCall = (member: string, signature?: string, ...body: unknown[]): BusCall => ({
  destination: 'org.freedesktop.systemd1',
  path: '/org/freedesktop/systemd1',
  interface: 'org.freedesktop.systemd1.Manager',
  member,
  ...(signature === undefined ? {} : { signature, body }),
});

const unavailable = (cause: unknown) =>
  new VoltError('DEPENDENCY', 'The system bus is not available', {
    hint: 'systemctl status dbus.socket',
    cause,
  });

function connected(bus: dbus.MessageBus, lost: AbortSignal): Promise<void> {
  return settled(lost, CONNECT_TIMEOUT_MS, 'The system bus did not answer', (resolve) => {
    bus.once('connect', () => resolve());
  });
}

function send({ bus, lost }: Connection, call: BusCall): Promise<readonly unknown[]> {
  const { timeoutMs = CALL_TIMEOUT_MS, ...fields } = call;
  const text = `systemd did not answer ${call.member}`;
  return settled(lost.signal, timeoutMs, text, (resolve, reject) => {
    bus.call(new dbus.Message({ ...fields, body: [...(call.body ?? [])] })).then(
      (reply) => resolve(reply?.body ?? []),
      (thrown: unknown) => reject(translate(thrown)),
    );
  });
}

async function addMatch(connection: Connection, match: string): Promise<void> {
  await send(connection, {
    destination: 'org.freedesktop.DBus',
    path: '/org/freedesktop/DBus',
    interface: 'org.freedesktop.DBus',
    member: 'AddMatch',
    signature: 's',
    body: [match],
  });
}

function translate(thrown: unknown): VoltError {
  if (thrown instanceof dbus.DBusError) return busError(thrown.type, thrown.text, thrown);
  return unavailable(thrown);
}

/** A promise that also ends when the connection is lost or time is up. */
function settled<T>(
  lost: AbortSignal,
  timeoutMs: number,
  timeoutText: string,
  start: (resolve: (value: T) => void, reject: (thrown: unknown) => void) => void,
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const onLost = () => reject(unavailable(lost.reason));
  const timer = setTimeout(() => reject(new VoltError('TIMEOUT', timeoutText)), timeoutMs);
  lost.addEventListener('abort', onLost, { once: true });
  if (lost.aborted) onLost();
  else start(resolve, reject);
  return promise.finally(() => {
    clearTimeout(timer);
    lost.removeEventListener('abort', onLost);
  });
}

/** The library tells of errors, but not of a quiet end; the socket itself does. */
function streamOf(bus: dbus.MessageBus): NodeJS.EventEmitter & { destroy(): void } {
  return (bus as unknown as { _connection: { stream: NodeJS.EventEmitter & { destroy(): void } } })._connection.stream;
}
