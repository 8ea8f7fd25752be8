/** Files of containers that are only told of. Says what it is told to, and remembers what it was asked. */
import type { ContainerConfig } from '@volt/shared/model';
import type { OpenProgram } from '../../host/index.ts';
import type { FileAccess } from './file-access.ts';

interface Said {
  readonly stdout?: Uint8Array;
  readonly stderr?: string;
  readonly code?: number;
}

export class FakeAccess implements FileAccess {
  /** By verb. */
  readonly says = new Map<string, Said>();
  /** Where it went, and the words of the verb. */
  readonly asked: string[] = [];
  /** What was written to the last one. */
  input = Buffer.alloc(0);
  /** Runs while files are copied. */
  during: () => Promise<void> = async () => {};

  inside(config: ContainerConfig, verb: readonly string[]): Promise<OpenProgram> {
    return this.#open('inside', config, verb);
  }

  atRest(config: ContainerConfig, _lower: string, verb: readonly string[]): Promise<OpenProgram> {
    return this.#open('at rest', config, verb);
  }

  whole(config: ContainerConfig, _lower: string, verb: readonly string[]): Promise<OpenProgram> {
    return this.#open('whole', config, verb);
  }

  upper(config: ContainerConfig, verb: readonly string[]): Promise<OpenProgram> {
    return this.#open('upper', config, verb);
  }

  async copyUpper(from: ContainerConfig, to: ContainerConfig): Promise<void> {
    this.asked.push(`copy ${from.spec.name} ${to.spec.name}`);
    await this.during();
  }

  async settle({ spec }: ContainerConfig): Promise<void> {
    this.asked.push(`settle ${spec.name}`);
  }

  async #open(where: string, { spec }: ContainerConfig, verb: readonly string[]): Promise<OpenProgram> {
    this.asked.push(`${where} ${spec.name}: ${verb.join(' ')}`);
    await this.during();
    const { stdout, stderr = '', code = 0 } = this.says.get(verb[0]!) ?? {};
    const ended = Promise.withResolvers<number>();
    this.input = Buffer.alloc(0);
    if (verb[0] !== 'unpack' || code !== 0) ended.resolve(code);
    return {
      pid: 1,
      stdout: chunks(stdout),
      stderr: chunks(Buffer.from(stderr)),
      write: async (data) => void (this.input = Buffer.concat([this.input, data])),
      end: () => ended.resolve(code),
      release: () => {},
      kill: async () => ended.resolve(137),
      exitCode: ended.promise,
    };
  }
}

async function* chunks(bytes: Uint8Array | undefined): AsyncGenerator<Uint8Array> {
  if (bytes !== undefined && bytes.length > 0) yield bytes;
}
