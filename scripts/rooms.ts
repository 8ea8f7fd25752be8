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

/** Calculation, and the names and numbers of the machine. */
const plain = ['node:assert/strict', 'node:buffer', 'node:crypto', 'node:os', 'node:path', 'node:util', 'zod'];
/** Moving data that somebody else opened. */
const streams = ['node:events', 'node:stream', 'node:stream/promises', 'node:timers/promises', 'node:zlib'];
const files = ['node:fs', 'node:fs/promises'];
const sockets = ['node:http', 'node:https', 'node:net', 'node:tls', 'fastify'];
const nats = ['@nats-io/*'];

/** What both ends of a wire must agree on. Adapters, which do touch the world, are named as such. */
const shared: Record<string, Room> = {
  'shared/errors': { imports: [], packages: [] },
  'shared/lib': { imports: ['shared/errors'], packages: plain },
  'shared/model': { imports: ['shared/lib', 'shared/errors'], packages: plain },
  'shared/manifest': { imports: ['shared/lib', 'shared/errors', 'shared/model'], packages: [...plain, 'yaml'] },
  'shared/rpc': { imports: ['shared/lib', 'shared/errors', 'shared/model', 'shared/manifest'], packages: plain },
  'shared/wire': { imports: pure, packages: plain },
  // Adapters.
  'shared/program': { imports: [], packages: [...plain, ...files, 'node:sea'] },
  'shared/client': { imports: [...pure, 'shared/wire'], packages: [...plain, ...streams, ...files, ...sockets] },
  'shared/server': {
    imports: [...pure, 'shared/wire', 'shared/program'],
    packages: [...plain, ...streams, ...files, ...sockets, 'json-rpc-2.0'],
  },
  'shared/daemon': { imports: [...pure, 'shared/server'], packages: [...plain, ...files, 'pino', 'yaml'] },
  'shared/pki': { imports: pure, packages: [...plain, ...files, ...sockets, ...nats, '@peculiar/*'] },
  'shared/kv': { imports: pure, packages: [...plain, ...streams, ...files, ...nats] },
  'shared/systemd': { imports: pure, packages: ['node:*', 'dbus-next', ...plain] },
};

const agent: Record<string, Room> = {
  // The only room of the agent that runs programs and talks to the kernel and to systemd.
  'agent/host': { imports: [...pure, 'shared/systemd', 'shared/program'], packages: ['node:*', ...plain] },
  // The store is nothing but files: it owns one folder and touches no other.
  'agent/store': {
    imports: [...pure, 'shared/program', 'agent/host'],
    packages: [...plain, ...streams, ...files, 'node:worker_threads', '@napi-rs/blake-hash', 'blake3'],
  },
  // A folder of the host on its way into the store: only reads what it does not own.
  'agent/folders': { imports: [...pure, 'agent/host', 'agent/store'], packages: [...plain, ...files] },
  // Archives as streams: reads and writes bytes, never a file.
  'agent/tar': { imports: [...pure, 'agent/store'], packages: [...plain, ...streams] },
  // Images as the rest of the world keeps them: layers, layouts, registries.
  'agent/oci': {
    imports: [...pure, 'agent/store', 'agent/tar'],
    packages: [...plain, ...streams, ...files, ...sockets, 'yaml'],
  },
  'agent/images': {
    imports: [...pure, 'shared/program', 'agent/host', 'agent/store', 'agent/tar', 'agent/oci'],
    packages: [...plain, ...streams, ...files],
  },
  // Volumes of containers: owns one folder and touches no other.
  'agent/volumes': {
    imports: [...pure, 'agent/host', 'agent/store', 'agent/tar'],
    packages: [...plain, ...streams, ...files],
  },
  // Secrets and configs: files that containers are given, encrypted where they are secret.
  'agent/secrets': { imports: [...pure, 'agent/host'], packages: plain },
  // What is done to the store as a whole: collect, check, repair, count.
  'agent/cas': {
    imports: [...pure, 'agent/host', 'agent/store'],
    packages: [...plain, ...streams, ...files],
  },
  'agent/network': { imports: [...pure, 'shared/program', 'agent/host'], packages: [...plain, ...streams] },
  'agent/daemon': { imports: [...pure, 'agent/host'], packages: [...plain, ...streams] },
  'agent/peers': { imports: [...pure, 'shared/client', 'agent/store'], packages: [...plain, ...streams, ...sockets] },
  // What a container may do, as a function of what was asked for.
  'agent/security': { imports: ['shared/errors', 'shared/model'], packages: [], pure: true },
  'agent/engine': {
    imports: [
      ...pure,
      'shared/systemd',
      'shared/program',
      'agent/host',
      'agent/store',
      'agent/tar',
      'agent/images',
      'agent/network',
      'agent/security',
    ],
    packages: [...plain, ...streams],
  },
  // Asks containers whether they work: over the network as anybody could, inside by the engine.
  'agent/health': { imports: [...pure, 'agent/host', 'agent/engine'], packages: [...plain, ...streams, ...sockets] },
  'agent/cluster': {
    imports: [
      ...pure,
      'shared/kv',
      'shared/client',
      'agent/host',
      'agent/engine',
      'agent/store',
      'agent/network',
      'agent/peers',
    ],
    packages: [...plain, ...streams],
  },
  // Makes and joins clusters: asks for the machine through ports of its own.
  'agent/bootstrap': {
    imports: [...pure, 'shared/wire', 'shared/client', 'shared/pki', 'agent/host'],
    packages: [...plain, ...streams],
  },
  // May listen, so it may also prepare the folder and the mode of its socket.
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
      'agent/volumes',
      'agent/secrets',
      'agent/cas',
      'agent/network',
      'agent/peers',
      'agent/cluster',
      'agent/bootstrap',
    ],
    packages: [...plain, ...streams, ...sockets, 'node:fs/promises'],
  },
};

const controller: Record<string, Room> = {
  'controller/scheduler': {
    imports: ['shared/lib', 'shared/errors', 'shared/model'],
    packages: ['node:assert/strict'],
    pure: true,
  },
  // Reads the scheduler's snapshot from the cluster and writes its steps back.
  'controller/cluster': {
    imports: [...pure, 'shared/kv', 'controller/scheduler'],
    packages: [...plain, ...streams],
  },
  'controller/leader': { imports: [...pure, 'shared/kv', 'controller/cluster'], packages: [...plain, ...streams] },
  'controller/enroll': { imports: [...pure, 'shared/kv', 'shared/pki'], packages: [...plain, ...streams] },
  'controller/reconcilers': {
    imports: [...pure, 'shared/kv', 'controller/scheduler', 'controller/cluster', 'controller/leader'],
    packages: [...plain, ...streams],
  },
  'controller/api': {
    imports: [
      ...pure,
      'shared/kv',
      'shared/pki',
      'shared/server',
      'shared/client',
      'shared/program',
      'controller/scheduler',
      'controller/cluster',
      'controller/leader',
      'controller/enroll',
      'controller/reconcilers',
    ],
    packages: [...plain, ...streams, ...sockets],
  },
};

const cli: Record<string, Room> = {
  // The way out of a terminal is set by a program, as Node cannot.
  'cli/terminal': { imports: pure, packages: [...plain, ...streams, 'node:tty', 'node:child_process'] },
  'cli/settings': { imports: [...pure, 'cli/terminal'], packages: plain },
  'cli/fields': { imports: pure, packages: plain },
  'cli/output': { imports: [...pure, 'cli/terminal', 'cli/settings'], packages: [...plain, ...streams, 'yaml'] },
  'cli/contexts': { imports: [...pure, 'shared/client'], packages: [...plain, ...files, 'yaml'] },
  // What works without the agent: straight from systemd and the journal.
  'cli/offline': { imports: [...pure, 'shared/systemd'], packages: [...plain, ...streams, ...files] },
  'cli/session': {
    imports: [...pure, 'shared/client', 'cli/contexts', 'cli/offline', 'cli/output', 'cli/settings', 'cli/terminal'],
    packages: [...plain, ...streams],
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
      'cli/completion',
      'cli/contexts',
      'cli/offline',
      'cli/output',
      'cli/session',
      'cli/terminal',
    ],
    // tar reads the folders that images are made of.
    packages: [...plain, ...streams, ...files, 'node:child_process'],
  },
  'cli/run': {
    imports: [
      ...pure,
      'cli/catalog',
      'cli/commands',
      'cli/completion',
      'cli/contexts',
      'cli/fields',
      'cli/help',
      'cli/names',
      'cli/session',
      'cli/settings',
      'cli/terminal',
    ],
    // Files of environment variables are words of the command line too.
    packages: [...plain, 'node:fs', 'commander'],
  },
};

export const rooms: Readonly<Record<string, Room>> = { ...shared, ...agent, ...controller, ...cli };

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
