/** The peers, as Debian has them: how each stores a folder, stores it again, and checks what it has. */

export interface Peer {
  readonly name: string;
  readonly package: string;
  /** Makes an empty repository in this folder, which exists. A line for a shell. */
  readonly init?: (repository: string) => string;
  readonly ingest: (repository: string, folder: string) => readonly string[];
  /** Reads everything it has. Undefined where it cannot. */
  readonly verify?: (repository: string) => readonly string[];
}

const restic = (repository: string): string[] => [
  'env',
  'RESTIC_PASSWORD=bench',
  `RESTIC_CACHE_DIR=${repository}/cache`,
  'restic',
  `--repo=${repository}/repo`,
];

const borg = (repository: string): string[] => [
  'env',
  `BORG_BASE_DIR=${repository}/base`,
  'BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes',
  'borg',
];

let archives = 0;

export const peers: readonly Peer[] = [
  {
    name: 'ostree',
    package: 'ostree',
    init: (repository) => `ostree init --mode=bare --repo=${repository}`,
    ingest: (repository, folder) => [
      'ostree',
      'commit',
      `--repo=${repository}`,
      '--branch=bench',
      `--tree=dir=${folder}`,
    ],
    verify: (repository) => ['ostree', 'fsck', '--quiet', `--repo=${repository}`],
  },
  {
    name: 'casync',
    package: 'casync',
    ingest: (repository, folder) => [
      'casync',
      'make',
      `--store=${repository}/bench.castr`,
      `${repository}/bench.caidx`,
      folder,
    ],
  },
  {
    name: 'restic',
    package: 'restic',
    init: (repository) => [...restic(repository), 'init', '--quiet'].join(' '),
    ingest: (repository, folder) => [...restic(repository), 'backup', '--quiet', folder],
    verify: (repository) => [...restic(repository), 'check', '--quiet', '--read-data'],
  },
  {
    name: 'borg',
    package: 'borgbackup',
    init: (repository) => [...borg(repository), 'init', '--encryption=none', `${repository}/repo`].join(' '),
    ingest: (repository, folder) => [...borg(repository), 'create', `${repository}/repo::a${archives++}`, folder],
    verify: (repository) => [...borg(repository), 'check', '--verify-data', `${repository}/repo`],
  },
];
