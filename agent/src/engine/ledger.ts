/**
 * What this node was told to have: one config.json for each container, written
 * before anything acts on it. This process is the only writer, so what was
 * read once at the start is what is on disk.
 */
import { VoltError } from '@volt/shared/errors';
import { ContainerConfig, ContainerName, type ContainerStatus } from '@volt/shared/model';
import type { Files } from '../host/index.ts';

const SECRET = { mode: 0o600 };

export class Ledger {
  readonly #files: Files;
  readonly #folder: string;
  readonly #configs = new Map<string, ContainerConfig>();

  constructor(files: Files, folder: string) {
    this.#files = files;
    this.#folder = folder;
  }

  /**
   * Reads all. A folder without a config.json is not in the ledger: its
   * container was never defined, or is half deleted. A config.json that cannot
   * be understood is INVALID_CONFIG: going on could lose what it stands for.
   */
  async load(): Promise<void> {
    this.#configs.clear();
    for (const name of await this.#files.list(this.#folder)) {
      if (!ContainerName.safeParse(name).success) continue;
      const text = await this.#files.read(this.#path(name));
      if (text === undefined) continue;
      const config = parse(text, this.#path(name));
      if (config.spec.name === name) this.#configs.set(name, config);
      // Killed while it was given another name: the folder has the new one.
      else await this.put(withName(config, name));
    }
  }

  get(name: string): ContainerConfig | undefined {
    return this.#configs.get(name);
  }

  /** By name. */
  all(): ContainerConfig[] {
    return [...this.#configs.values()].sort((a, b) => (a.spec.name < b.spec.name ? -1 : 1));
  }

  /** Resolves once it would survive a power loss. */
  async put(config: ContainerConfig): Promise<void> {
    const { name } = config.spec;
    await this.#files.makeFolder(`${this.#folder}/${name}`, { mode: 0o700 });
    await this.#files.write(this.#path(name), `${JSON.stringify(config, undefined, 2)}\n`, SECRET);
    this.#configs.set(name, config);
  }

  /** From here on it has the other name, whatever happens to this process. CONFLICT where somebody has it. */
  async rename(name: string, to: string): Promise<ContainerConfig> {
    const config = withName(this.#configs.get(name)!, to);
    await this.#files.moveFolder(`${this.#folder}/${name}`, `${this.#folder}/${to}`);
    this.#configs.delete(name);
    this.#configs.set(to, config);
    await this.put(config);
    return config;
  }

  /** From here on the container is to go, whatever happens to this process. */
  async remove(name: string): Promise<void> {
    await this.#files.remove(this.#path(name));
    this.#configs.delete(name);
  }

  /** state.json, for people and other programs. Never read by us: systemd knows. So nobody waits for the disk. */
  async note(status: ContainerStatus): Promise<void> {
    const { name, state, health, checkedAt, pid, address, exitCode, reason, restarts, startedAt } = status;
    const now = { name, state, health, checkedAt, pid, address, exitCode, reason, restarts, startedAt };
    const text = `${JSON.stringify(now, undefined, 2)}\n`;
    await this.#files.write(`${this.#folder}/${name}/state.json`, text, { ...SECRET, durable: false });
  }

  #path(name: string): string {
    return `${this.#folder}/${name}/config.json`;
  }
}

const withName = (config: ContainerConfig, name: string): ContainerConfig => ({
  ...config,
  spec: { ...config.spec, name },
});

function parse(text: string, path: string): ContainerConfig {
  try {
    return ContainerConfig.parse(JSON.parse(text));
  } catch (cause) {
    throw new VoltError('INVALID_CONFIG', `'${path}' is damaged`, {
      hint: `restore it, or remove its folder to give the container up`,
      cause,
    });
  }
}
