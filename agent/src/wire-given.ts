/** Secrets and configs of this node, as the doors and the engine ask for them. */
import { givenFiles, type ContainerSpec, type GivenKind } from '@volt/shared/model';
import type { Engine, GivenKeeper } from './engine/index.ts';
import type { Files, Programs } from './host/index.ts';
import { KeptFiles, sealing } from './secrets/index.ts';

export interface OpenGiven {
  readonly secrets: KeptFiles;
  readonly configs: KeptFiles;
  readonly forEngine: GivenKeeper;
  /** They ask the engine who has them, and the engine asks for them: one of them comes second. */
  use(engine: Pick<Engine, 'specs'>): void;
  load(): Promise<void>;
}

const FOLDERS: Readonly<Record<GivenKind, string>> = {
  secret: '/var/lib/volt/secrets',
  config: '/var/lib/volt/configs',
};

export function openGiven({ files, programs }: { files: Files; programs: Programs }): OpenGiven {
  let engine: Pick<Engine, 'specs'> | undefined;
  const keep = (
    kind: GivenKind,
    seal: ReturnType<typeof sealing> | ((name: string, all: Uint8Array) => Promise<Uint8Array>),
  ) =>
    new KeptFiles({
      kind,
      files,
      folder: FOLDERS[kind],
      seal,
      usersOf: (name) => (engine?.specs() ?? []).filter((spec) => has(spec, kind, name)).map((spec) => spec.name),
      now: () => new Date(),
    });
  const kept = { secret: keep('secret', sealing(programs)), config: keep('config', async (_name, all) => all) };
  return {
    secrets: kept.secret,
    configs: kept.config,
    forEngine: {
      require: (kind, name) => kept[kind].require(name),
      updatedAt: (kind, name) => kept[kind].updatedAt(name),
    },
    use: (given) => {
      engine = given;
    },
    load: async () => void (await Promise.all([kept.secret.load(), kept.config.load()])),
  };
}

const has = (spec: ContainerSpec, kind: GivenKind, name: string): boolean =>
  givenFiles(spec).some((file) => file.kind === kind && file.name === name);
