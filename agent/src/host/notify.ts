/** Telling the service manager how we are: sd_notify(3), without forking a process for each message. */
import { libc } from './libc.ts';

const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** sizeof(sockaddr_un.sun_path). */
const PATH_BYTES_MAX = 108;

/**
 * Sends a state such as `READY=1`, `WATCHDOG=1` or `STATUS=…` to the service
 * manager. False if there is none, or if it did not take the message at once:
 * a full queue must not hold up the event loop, and the next tick tries again.
 */
export function notify(state: string, env: NodeJS.ProcessEnv = process.env): boolean {
  const address = socketAddress(env['NOTIFY_SOCKET'] ?? '');
  if (address === undefined) return false;
  const c = libc();
  const fd = c.socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  try {
    const message = Buffer.from(state);
    const flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    return c.sendto(fd, message, BigInt(message.length), flags, address, address.length) === BigInt(message.length);
  } finally {
    c.close(fd);
  }
}

/** How often `WATCHDOG=1` is due: half of the time after which we are killed. Undefined if nobody watches. */
export function watchdogIntervalMs(env: NodeJS.ProcessEnv = process.env): number | undefined {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? '');
  const isForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === process.pid;
  return isForUs && microseconds > 0 ? microseconds / 1000 / 2 : undefined;
}

/** A sockaddr_un. A leading '@' means an abstract name: it starts with a zero byte and has no end mark. */
function socketAddress(path: string): Buffer | undefined {
  const isAbstract = path.startsWith('@');
  if (!isAbstract && !path.startsWith('/')) return undefined;
  const name = Buffer.from(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > PATH_BYTES_MAX) return undefined;
  const family = Buffer.alloc(2);
  family.writeUInt16LE(AF_UNIX);
  return Buffer.concat([family, name]);
}
