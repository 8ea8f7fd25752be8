/**
 * /etc/volt/registries.yaml: how registries are reached, and with which
 * credentials. For the agent's eyes only; people may edit it, and their
 * comments survive what we write.
 *
 *   registries:
 *     registry.example.org:5000:
 *       username: volt
 *       password: …
 *       ca: /etc/volt/registry-ca.pem
 *     docker.io:
 *       mirrors: [https://mirror.example.org]
 *     localhost:5000:
 *       insecure: true     # plain HTTP
 */
import { mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { Document, parseDocument } from 'yaml';
import { replaceFile } from '../store/index.ts';
import { Registry } from './registry.ts';
import { RegistryFile, RegistrySettings } from './registry-schemas.ts';

const FILE_BYTES_MAX = 1024 * 1024;

export interface Credentials {
  readonly username: string;
  readonly password: string;
}

export interface KnownRegistry {
  readonly host: string;
  readonly username: string | null;
  readonly hasIdentity: boolean;
  readonly insecure: boolean;
  readonly ca: string | null;
  readonly mirrors: string[];
}

/** Reads the file whenever it is asked, so that an edit needs no restart. */
export class Registries {
  readonly #path: string;
  readonly #retryMs: number | undefined;

  constructor(path: string, { retryMs }: { retryMs?: number | undefined } = {}) {
    this.#path = path;
    this.#retryMs = retryMs;
  }

  /** Reached as the file says. INVALID_CONFIG for a file that is malformed, or that others may read. */
  open(host: string): Registry {
    return this.#openAs(host, this.#of(host));
  }

  /** Where to pull from: mirrors in their order, then the registry itself. */
  sources(host: string): Registry[] {
    const mirrors = this.#of(host).mirrors.map((mirror) => {
      const base = new URL(mirror);
      const settings = { ...this.#of(base.host), insecure: base.protocol === 'http:' };
      return new Registry({ host, base, settings, ca: this.#caOf(settings), retryMs: this.#retryMs });
    });
    return [...mirrors, this.open(host)];
  }

  /** Keeps credentials, once the registry has taken them. */
  async login(host: string, credentials: Credentials, signal: AbortSignal): Promise<void> {
    const settings = { ...this.#of(host), ...credentials, identity: undefined };
    using registry = this.#openAs(host, settings);
    await registry.ping(signal);
    this.#keep(host, credentials);
  }

  #openAs(host: string, settings: RegistrySettings): Registry {
    return new Registry({ host, settings, ca: this.#caOf(settings), retryMs: this.#retryMs });
  }

  #of(host: string): RegistrySettings {
    const { settings } = this.#read();
    return Object.hasOwn(settings, host) ? settings[host]! : RegistrySettings.parse({});
  }

  /** What is known, without what is secret. */
  list(): KnownRegistry[] {
    return Object.entries(this.#read().settings).map(
      ([host, { username = null, insecure, mirrors, ca = null, ...own }]) => {
        return { host, username, hasIdentity: own.identity !== undefined, insecure, ca, mirrors };
      },
    );
  }

  /** As PEM. Undefined where it is one of those everybody trusts. */
  #caOf({ ca }: RegistrySettings): string | undefined {
    if (ca === undefined) return undefined;
    try {
      return readFileSync(ca, 'utf8');
    } catch (cause) {
      throw new VoltError('INVALID_CONFIG', `The CA ${ca} of ${this.#path} cannot be read`, { cause });
    }
  }

  #keep(host: string, { username, password }: Credentials): void {
    const { document } = this.#read();
    document.setIn(['registries', host, 'username'], username);
    document.setIn(['registries', host, 'password'], password);
    document.deleteIn(['registries', host, 'identity']);
    this.#write(document);
  }

  /** Says whether there were credentials. What else is known of the registry stays. */
  logout(host: string): boolean {
    const { document, settings } = this.#read();
    const known = Object.hasOwn(settings, host) ? settings[host] : undefined;
    if (known?.username === undefined && known?.identity === undefined) return false;
    for (const key of ['username', 'password', 'identity']) document.deleteIn(['registries', host, key]);
    if (Object.keys(known).every((key) => ['username', 'password', 'identity'].includes(key))) {
      document.deleteIn(['registries', host]);
    }
    this.#write(document);
    return true;
  }

  #read(): { document: Document; settings: Record<string, RegistrySettings> } {
    const text = this.#text();
    const document = text === undefined ? new Document({ registries: {} }) : parseDocument(text);
    if ('errors' in document && document.errors.length > 0) throw this.#bad('it is not YAML');
    if (document.contents === null) document.contents = new Document({ registries: {} }).contents;
    const parsed = RegistryFile.safeParse(document.toJS());
    if (parsed.success) return { document, settings: parsed.data.registries };
    const [issue] = parsed.error.issues;
    throw this.#bad(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }

  #text(): string | undefined {
    const found = statSync(this.#path, { throwIfNoEntry: false });
    if (found === undefined) return undefined;
    if ((found.mode & 0o077) !== 0) {
      throw new VoltError('INVALID_CONFIG', `${this.#path} may be read by others, and holds passwords`, {
        hint: `chmod 600 ${this.#path}`,
      });
    }
    if (found.size > FILE_BYTES_MAX) throw this.#bad('it is larger than 1 MiB');
    return readFileSync(this.#path, 'utf8');
  }

  #write(document: Document): void {
    const staging = `${this.#path}.${process.pid}.new`;
    mkdirSync(dirname(this.#path), { recursive: true, mode: 0o755 });
    // Of a process that was killed here before.
    rmSync(staging, { force: true });
    replaceFile(this.#path, document.toString(), staging);
  }

  #bad(why: string): VoltError {
    return new VoltError('INVALID_CONFIG', `${this.#path} is malformed: ${why}`);
  }
}
