/**
 * Secrets or configs of this node: contents that containers are given as files,
 * each with a record beside it. The record is written last and removed first,
 * so contents without one are those of a create or delete that was cut short.
 */
import { VoltError } from '@volt/shared/errors';
import { didYouMean } from '@volt/shared/lib';
import { type GivenKind, GivenName, GivenRecord, type GivenSummary } from '@volt/shared/model';
import type { Files } from '../host/index.ts';

export interface KeptFilesOptions {
  readonly kind: GivenKind;
  readonly files: Files;
  readonly folder: string;
  /** What contents are kept as. */
  readonly seal: (name: string, contents: Uint8Array) => Promise<string | Uint8Array>;
  /** Containers that have it, also such as are being made. */
  readonly usersOf: (name: string) => readonly string[];
  readonly now: () => Date;
}

const SECRET = { mode: 0o600 };

/** More than anybody keeps on one node; all records are held in memory. */
const KEPT_MAX = 10_000;

const CONTENTS = '.contents';
const RECORD = '.json';

export class KeptFiles {
  readonly #options: KeptFilesOptions;
  readonly #records = new Map<string, GivenRecord>();
  /** Names that something is under way with. */
  readonly #busy = new Set<string>();

  constructor(options: KeptFilesOptions) {
    this.#options = options;
  }

  /** Reads all records, and clears away what is left of changes that were cut short. Once, before anything else. */
  async load(): Promise<void> {
    const { files, folder } = this.#options;
    await files.makeFolder(folder, { mode: 0o700 });
    const present = await files.list(folder);
    for (const file of present.filter((one) => one.endsWith(RECORD))) {
      const record = parse(await files.read(`${folder}/${file}`));
      if (record !== undefined) this.#records.set(record.name, record);
    }
    const isLeftOver = (file: string) =>
      file.endsWith('.tmp') || (file.endsWith(CONTENTS) && !present.includes(recordOf(nameOf(file))));
    for (const file of present.filter(isLeftOver)) await files.remove(`${folder}/${file}`);
  }

  /** By name. */
  list(): GivenSummary[] {
    return [...this.#records.values()]
      .map((record) => this.#summary(record))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  inspect(name: string): GivenSummary {
    return this.#summary(this.#existing(name));
  }

  /** When what is in it was last changed. Undefined where there is none. */
  updatedAt(name: string): string | undefined {
    return this.#records.get(name)?.updatedAt;
  }

  /** As it is kept: what a secret gives is of no use to anybody who has not the key of this machine. */
  async contents(name: string): Promise<string> {
    this.#existing(name);
    return (await this.#options.files.read(this.#path(name, CONTENTS))) ?? '';
  }

  /** ALREADY_EXISTS where there is one. */
  async create(given: Pick<GivenRecord, 'name' | 'labels'>, contents: Uint8Array): Promise<GivenSummary> {
    const { name, labels } = given;
    const { kind, now } = this.#options;
    if (this.#records.has(name)) {
      const hint = `volt ${kind} update ${name}, or choose another name`;
      throw new VoltError('ALREADY_EXISTS', `There is a ${kind} '${name}'`, { hint });
    }
    if (this.#records.size >= KEPT_MAX) throw new VoltError('RESOURCE', `There are ${KEPT_MAX} ${kind}s already`);
    const createdAt = now().toISOString();
    const record = { name, labels, bytes: contents.byteLength, createdAt, updatedAt: createdAt };
    return this.#alone(name, () => this.#put(record, contents));
  }

  /** NOT_FOUND where there is none. */
  async update(name: string, contents: Uint8Array): Promise<GivenSummary> {
    const record = this.#existing(name);
    const updatedAt = this.#options.now().toISOString();
    return this.#alone(name, () => this.#put({ ...record, bytes: contents.byteLength, updatedAt }, contents));
  }

  /** CONFLICT where a container has it. An absent one is fine. */
  async delete(name: string): Promise<{ name: string; deleted: boolean }> {
    if (!this.#records.has(name)) return { name, deleted: false };
    return this.#alone(name, async () => {
      const { kind, files, usersOf } = this.#options;
      // No wait between asking who has it and taking it away from those who might ask for it.
      const users = usersOf(name);
      if (users.length > 0) {
        throw new VoltError('CONFLICT', `Containers have the ${kind} '${name}': ${users.join(', ')}`, {
          hint: `volt container delete ${users[0]}`,
        });
      }
      this.#records.delete(name);
      await files.remove(this.#path(name, RECORD));
      await files.remove(this.#path(name, CONTENTS));
      return { name, deleted: true };
    });
  }

  /** NOT_FOUND unless there is one, which then stays for as long as somebody has it. */
  require(name: string): void {
    this.#existing(name);
  }

  async #put(record: GivenRecord, contents: Uint8Array): Promise<GivenSummary> {
    const { files, seal } = this.#options;
    const { name } = record;
    await files.write(this.#path(name, CONTENTS), await seal(name, contents), SECRET);
    await files.write(this.#path(name, RECORD), `${JSON.stringify(record)}\n`, SECRET);
    this.#records.set(name, record);
    return this.#summary(record);
  }

  async #alone<T>(name: string, act: () => Promise<T>): Promise<T> {
    if (this.#busy.has(name)) {
      throw new VoltError('CONFLICT', `The ${this.#options.kind} '${name}' is being changed`, { hint: 'try again' });
    }
    this.#busy.add(name);
    try {
      return await act();
    } finally {
      this.#busy.delete(name);
    }
  }

  #existing(name: string): GivenRecord {
    const record = this.#records.get(name);
    if (record !== undefined) return record;
    const { kind } = this.#options;
    const hint = didYouMean(name, [...this.#records.keys()]) ?? `volt ${kind} create ${name} FILE`;
    throw new VoltError('NOT_FOUND', `There is no ${kind} '${name}'`, { hint });
  }

  #summary(record: GivenRecord): GivenSummary {
    return { ...record, usedBy: [...this.#options.usersOf(record.name)] };
  }

  #path(name: string, ending: string): string {
    return `${this.#options.folder}/${name}${ending}`;
  }
}

const nameOf = (file: string): string => file.slice(0, -CONTENTS.length);
const recordOf = (name: string): string => `${name}${RECORD}`;

/** Undefined for one that is damaged: its contents stay for the containers that have them. */
function parse(text: string | undefined): GivenRecord | undefined {
  try {
    const record = GivenRecord.parse(JSON.parse(text ?? ''));
    return GivenName.safeParse(record.name).success ? record : undefined;
  } catch {
    return undefined;
  }
}
