/** Debian's own tools for images, and how two folders are compared to the last attribute. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../lab/index.ts';

export const ociPackages = [
  ...['umoci', 'buildah', 'skopeo', 'docker-registry'],
  ...['apache2-utils', 'attr', 'libcap2-bin', 'openssl', 'tar'],
];

export const sh = (script: string, folder: string, env: Record<string, string> = {}): string =>
  execFileSync('sh', ['-euc', script], {
    cwd: folder,
    env: { ...process.env, LC_ALL: 'C.UTF-8', ...env },
    encoding: 'latin1',
    maxBuffer: 1 << 28,
    stdio: ['ignore', 'pipe', 'pipe'],
  });

/** Everything that can be known of a folder from outside: types, modes, owners, times, links, contents, attributes. */
export function listing(root: string): string[] {
  const entries = sh(String.raw`find . -printf '%p %y %m %U:%G %T@ %s %n %l\0' | sort -z | tr '\n\0' '?\n'`, root)
    .split('\n')
    // Sizes of folders say how the file system keeps them.
    .map((line) => line.replace(/( d \d+ \S+ \S+) \d+ \d+ $/, '$1'));
  const sums = sh('find . -type f -print0 | sort -z | xargs -0r sha256sum', root).split('\n');
  const devices = sh(
    String.raw`find . \( -type c -o -type b \) -print0 | sort -z | xargs -0r stat -c '%t:%T %n'`,
    root,
  );
  const attributes = sh('find . -print0 | sort -z | xargs -0r getfattr -h -d -m - -e hex --', root).split('\n');
  const linked = sh(String.raw`find . -type f -links +1 -printf '%i %p\n'`, root)
    .trim()
    .split('\n');
  const byInode = Map.groupBy(linked, (line) => line.split(' ')[0]);
  const links = [...byInode.values()].map((lines) =>
    lines
      .map((line) => line.replace(/^\d+ /, ''))
      .toSorted()
      .join(' = '),
  );
  return [...entries, ...sums, devices, ...attributes, ...links.toSorted()];
}

/** A folder with something of everything that a layer can hold. */
export function makeRoot(root: string): void {
  mkdirSync(root);
  sh(
    `mkdir -p etc bin d/sub old/deep usr/lib empty tmp
    chmod 1777 tmp; chmod 700 d; chown 1000:100 d/sub; ln -s usr/lib lib; ln -s /etc/../absolute loop
    printf one > etc/conf; printf '%s' app > bin/app; chown 0:42 bin/app; chmod 4755 bin/app
    printf x > old/deep/file; printf y > d/gone; printf z > usr/lib/so; ln bin/app bin/again
    printf odd > "$(printf 'etc/b\\377te')"; printf long > "etc/$(printf '%0200d' 1)"
    mkdir -p "$(printf '%0120d/%0120d' 1 2)"; printf deep > "$(printf '%0120d/%0120d' 1 2)/file"
    mkfifo pipe; mknod null c 1 3; mknod disk b 8 300; head -c 3000000 /dev/zero > zeros
    setfattr -n user.volt -v 'a b' etc/conf; setcap cap_net_raw+ep usr/lib/so
    find . -exec touch -h -d '2024-02-03 04:05:06' {} +`,
    root,
  );
}

export interface RunningRegistry {
  /** As in a reference: 127.0.0.1 and a port. */
  readonly host: string;
  stop(): Promise<void>;
}

export interface RegistrySetup {
  /** A name and a password that it wants. */
  readonly login?: { readonly username: string; readonly password: string };
  /** Whether it speaks TLS, with a certificate of the CA that is made in the folder as ca.pem. */
  readonly tls?: boolean;
}

/** Debian's docker-registry, in a folder of its own. */
export async function startRegistry(
  folder: string,
  { login, tls = false }: RegistrySetup = {},
): Promise<RunningRegistry> {
  mkdirSync(folder);
  const host = `127.0.0.1:${await freePort()}`;
  if (login !== undefined) {
    writeFileSync(join(folder, 'password'), login.password);
    sh(`htpasswd -iBc htpasswd ${login.username} < password`, folder);
  }
  if (tls) makeCertificate(folder);
  const config = {
    version: '0.1',
    log: { level: 'error' },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host, ...(tls && { tls: { certificate: join(folder, 'cert.pem'), key: join(folder, 'key.pem') } }) },
    ...(login && { auth: { htpasswd: { realm: 'volt', path: join(folder, 'htpasswd') } } }),
  };
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  const server = spawn('docker-registry', ['serve', join(folder, 'config.json')], { stdio: 'ignore' });
  await eventually(async () => isListening(host), { what: 'docker-registry answers' });
  return { host, stop: () => stopped(server) };
}

async function stopped(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  const ended = once(server, 'exit');
  server.kill();
  await ended;
}

function makeCertificate(folder: string): void {
  sh(
    `openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=ca \\
      -keyout ca.key -out ca.pem
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=registry \\
      -keyout key.pem -out request.pem
    printf 'subjectAltName=IP:127.0.0.1' > extensions
    openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 \\
      -extfile extensions -out cert.pem`,
    folder,
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

async function isListening(host: string): Promise<boolean> {
  const [address = '', port] = host.split(':');
  return new Promise((resolve) => {
    const socket = connect(Number(port), address);
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
