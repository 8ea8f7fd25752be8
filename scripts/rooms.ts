/**
 * Who may import whom, and which room may hold which outside package.
 * `pnpm tidy` fails on anything not listed. A new arrow is a design change:
 * add it here together with a note in docs/decisions/.
 */
export interface Room {
  /** Other rooms it may enter. */
  readonly imports: readonly string[];
  /** Outside packages and Node's own modules; `node:*` means all of those. */
  readonly packages: readonly string[];
  /** No clock, no chance, nothing that waits: a function of its arguments. */
  readonly pure?: boolean;
}

/** What everybody may know. None of it touches a disk, a socket or a clock. */
const pure = ['shared/lib', 'shared/errors', 'shared/model', 'shared/manifest', 'shared/rpc'];

/** Calculation only. */
const plain = ['node:assert/strict', 'node:buffer', 'node:crypto', 'node:path', 'node:util', 'zod'];
/** Moving data that somebody else opened. */
const streams = ['node:events', 'node:stream', 'node:stream/promises', 'node:timers/promises', 'node:zlib'];
const files = ['node:fs', 'node:fs/promises', 'node:os'];
const sockets = ['node:http', 'node:https', 'node:net', 'node:tls', 'fastify', 'ws'];

export const rooms: Readonly<Record<string, Room>> = {
  'shared/lib': { imports: ['shared/errors'], packages: plain },
  'shared/errors': { imports: [], packages: plain },
  'shared/model': { imports: ['shared/lib', 'shared/errors'], packages: plain },
  'shared/manifest': { imports: ['shared/lib', 'shared/errors', 'shared/model'], packages: [...plain, 'yaml'] },
  'shared/rpc': { imports: ['shared/lib', 'shared/errors', 'shared/model', 'shared/manifest'], packages: plain },
  'shared/program': { imports: [], packages: [...plain, ...files, 'node:sea'] },
  // Frames on the wire, the same for both ends.
  'shared/wire': { imports: pure, packages: plain },
  'shared/client': { imports: [...pure, 'shared/wire'], packages: [...plain, ...streams, ...files, ...sockets] },
  'shared/server': {
    imports: [...pure, 'shared/wire', 'shared/program'],
    packages: [...plain, ...streams, ...files, ...sockets, 'json-rpc-2.0'],
  },
  'shared/kv': {
    imports: pure,
    packages: [...plain, ...streams, ...files, '@nats-io/*'],
  },
  'shared/systemd': { imports: pure, packages: ['node:*', 'dbus-next', ...plain] },

  // The only room of the agent that runs programs and talks to the kernel and to systemd.
  'agent/host': { imports: [...pure, 'shared/systemd', 'shared/program'], packages: ['node:*', 'dbus-next', ...plain] },
  // The store is nothing but files: it owns one folder and touches no other.
  'agent/store': {
    imports: [...pure, 'shared/program', 'agent/host'],
    packages: [...plain, ...streams, ...files, '@napi-rs/blake-hash', 'blake3'],
  },
  'agent/images': {
    imports: [...pure, 'shared/program', 'agent/host', 'agent/store'],
    packages: [...plain, ...streams, ...files, 'tar-stream', 'yaml'],
  },
  'agent/network': { imports: [...pure, 'shared/program', 'agent/host'], packages: [...plain, ...streams] },
  'agent/engine': {
    imports: [
      ...pure,
      'shared/systemd',
      'shared/program',
      'agent/host',
      'agent/store',
      'agent/images',
      'agent/network',
    ],
    packages: [...plain, ...streams],
  },
  'agent/cluster': {
    imports: [...pure, 'shared/kv', 'shared/client', 'agent/host', 'agent/engine', 'agent/store', 'agent/network'],
    packages: [...plain, ...streams],
  },
  'agent/api': {
    imports: [
      ...pure,
      'shared/server',
      'shared/client',
      'shared/systemd',
      'shared/program',
      'agent/host',
      'agent/engine',
      'agent/store',
      'agent/images',
      'agent/network',
      'agent/cluster',
    ],
    packages: [...plain, ...streams, ...sockets],
  },

  'controller/scheduler': { imports: ['shared/lib', 'shared/errors', 'shared/model'], packages: [], pure: true },
  'controller/cluster': { imports: [...pure, 'shared/kv'], packages: [...plain, ...streams] },
  'controller/leader': { imports: [...pure, 'shared/kv', 'controller/cluster'], packages: [...plain, ...streams] },
  'controller/reconcilers': {
    imports: [...pure, 'shared/kv', 'controller/scheduler', 'controller/cluster', 'controller/leader'],
    packages: [...plain, ...streams],
  },
  'controller/api': {
    imports: [
      ...pure,
      'shared/kv',
      'shared/server',
      'shared/client',
      'shared/program',
      'controller/scheduler',
      'controller/cluster',
      'controller/leader',
      'controller/reconcilers',
    ],
    packages: [...plain, ...streams, ...sockets],
  },

  // From the terminal up to run/, which puts them together.
  'cli/terminal': { imports: pure, packages: [...plain, ...streams, 'node:tty'] },
  'cli/fields': { imports: pure, packages: plain },
  'cli/settings': { imports: [...pure, 'cli/terminal'], packages: plain },
  'cli/contexts': { imports: [...pure, 'shared/client'], packages: [...plain, ...files, 'yaml'] },
  'cli/output': { imports: [...pure, 'cli/settings', 'cli/terminal'], packages: [...plain, ...streams, 'yaml'] },
  'cli/offline': { imports: [...pure, 'shared/systemd'], packages: [...plain, ...files] },
  'cli/session': {
    imports: [...pure, 'shared/client', 'cli/contexts', 'cli/offline', 'cli/output', 'cli/settings', 'cli/terminal'],
    packages: plain,
  },
  'cli/catalog': { imports: [...pure, 'cli/fields', 'cli/output', 'cli/session'], packages: plain },
  'cli/names': { imports: [...pure, 'cli/catalog', 'cli/contexts', 'cli/session'], packages: plain },
  'cli/help': { imports: [...pure, 'cli/catalog', 'cli/fields', 'cli/settings'], packages: plain },
  'cli/completion': { imports: [...pure, 'cli/catalog', 'cli/fields', 'cli/settings'], packages: plain },
  'cli/commands': {
    imports: [
      ...pure,
      'shared/client',
      'shared/program',
      'cli/catalog',
      'cli/contexts',
      'cli/offline',
      'cli/output',
      'cli/session',
      'cli/terminal',
    ],
    packages: [...plain, ...files, '@bomb.sh/tab'],
  },
  'cli/run': {
    imports: [
      ...pure,
      'shared/client',
      'cli/catalog',
      'cli/commands',
      'cli/completion',
      'cli/contexts',
      'cli/fields',
      'cli/help',
      'cli/names',
      'cli/offline',
      'cli/session',
      'cli/settings',
      'cli/terminal',
    ],
    packages: [...plain, 'commander'],
  },
};

/** The room that owns a source file: `agent/engine`. Undefined outside the programs, and for their top files. */
export function roomOf(path: string): string | undefined {
  const [program, src, folder, ...rest] = path.split('/');
  return src === 'src' && rest.length > 0 ? `${program}/${folder}` : undefined;
}

export function mayImport(from: string, to: string): boolean {
  return from === to || (rooms[from]?.imports.includes(to) ?? false);
}

export function mayHold(room: string, packageName: string): boolean {
  const matches = (allowed: string) =>
    allowed.endsWith('*') ? packageName.startsWith(allowed.slice(0, -1)) : allowed === packageName;
  return rooms[room]?.packages.some(matches) ?? false;
}
