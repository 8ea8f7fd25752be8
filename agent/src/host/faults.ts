/**
 * For tests of crashes only: an agent whose environment names a file in
 * VOLT_FAULTS may be told, by a number in that file, to end as if it were
 * killed at the so-many-th call that it makes of its host from then on. It
 * takes the file away by giving it another name; removing that calls it off.
 * Without the variable the ports are what they were.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';

/** Calls that take a while on the side of the host: the agent may end in the middle of one. */
const LASTING = new Set(['start', 'stop', 'run']);
const MIDDLE_MS = 15;

/** Ends this process at once, as nothing but a kill does. Never returns. */
export type Die = (where: string) => never;

export class Faults {
  readonly #file: string;
  readonly #taken: string;
  readonly #die: Die;
  #left: number | undefined;

  constructor(file: string, die: Die = killed(file)) {
    this.#file = file;
    this.#taken = `${file}.taken`;
    this.#die = die;
  }

  /** The same port, each call of which may be the last. */
  on<T extends object>(name: string, port: T): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value = Reflect.get(target, key, target) as unknown;
        if (typeof value !== 'function' || typeof key === 'symbol') return value;
        return (...given: unknown[]) => {
          const call = () => (value as (...all: unknown[]) => unknown).apply(target, given);
          return this.#at(`${name}.${key} ${subject(given[0])}`, { key, port: target, given, call });
        };
      },
    });
  }

  #at(where: string, { key, port, given, call }: Call): unknown {
    if (this.#spend()) this.#die(`before ${where}`);
    if (key === 'write' && this.#spend()) return this.#torn(where, port, given);
    if (!LASTING.has(key) || !this.#spend()) return call();
    setTimeout(() => this.#die(`during ${where}`), MIDDLE_MS);
    return call();
  }

  /** What a write leaves that was not yet given its name. */
  #torn(where: string, port: object, [path, content, options]: readonly unknown[]): never {
    const temporary = `${String(path)}.0123456789ab.tmp`;
    const { mode } = options as { mode: number };
    const bytes = Buffer.from(content as string);
    writeFileSync(temporary, bytes.subarray(0, bytes.length / 2), { mode });
    return this.#die(`during ${where} ${port.constructor.name}`);
  }

  /** True at the call that is the last. */
  #spend(): boolean {
    if (this.#left !== undefined && !existsSync(this.#taken)) this.#left = undefined;
    this.#left ??= this.#read();
    if (this.#left === undefined) return false;
    this.#left -= 1;
    return this.#left === 0;
  }

  /** Taken away, so that the next agent lives. */
  #read(): number | undefined {
    try {
      const count = Number(readFileSync(this.#file, 'utf8'));
      renameSync(this.#file, this.#taken);
      return count;
    } catch {
      return undefined;
    }
  }
}

interface Call {
  readonly key: string;
  readonly port: object;
  readonly given: readonly unknown[];
  readonly call: () => unknown;
}

const subject = (given: unknown): string =>
  typeof given === 'string' ? given : Array.isArray(given) ? given.slice(0, 3).join(' ') : '';

function killed(file: string): Die {
  return (where) => {
    writeFileSync(`${file}.died`, `${where}\n`);
    process.kill(process.pid, 'SIGKILL');
    // The signal is there before the next step of this program.
    for (;;);
  };
}

/** As the environment says. */
export function faultsOf(env: Readonly<Record<string, string | undefined>>): Pick<Faults, 'on'> {
  const file = env['VOLT_FAULTS'];
  return file === undefined ? { on: (_name, port) => port } : new Faults(file);
}
