/** What taking in nodes needs from the outside. main.ts supplies it. */
import type { Clock } from '@volt/shared/kv';
import type { Member, TokenRecord } from '@volt/shared/model';
import type { ClusterIdentity, ControllerIdentity, MetaGroup } from '@volt/shared/pki';

/** The nodes of the cluster, kept where all controllers see them. */
export interface Members {
  list(): Promise<readonly Member[]>;

  /** CONFLICT when the name or the subnet is taken; then nothing is recorded. */
  create(member: Member): Promise<void>;

  /** Replaces the record of a node that is there. CONFLICT when somebody else writes it at the same moment. */
  update(member: Member): Promise<void>;

  /** Frees its name and its subnet. One that is gone, or was replaced by another under its name, is left alone. */
  delete(member: Member): Promise<void>;

  /** Names of those that have told of themselves, which a node does once its join is complete. */
  settled(): Promise<ReadonlySet<string>>;
}

/** To become a controller: one node at a time, whichever controller it asks. */
export interface Turn {
  /** Null when it is nobody's. */
  readonly node: string | null;
  /** Name of the NATS server that the node starts with. */
  readonly server: string;
}

/** Where the turn is kept. */
export interface TurnStore {
  /** Undefined as long as nobody had one. */
  get(): Promise<(Turn & { readonly revision: number }) | undefined>;

  /** CONFLICT unless it is still as it was read; undefined means that there was none. */
  set(turn: Turn, revision: number | undefined): Promise<void>;
}

/** Join tokens by id. */
export interface TokenStore {
  put(id: string, token: TokenRecord): Promise<void>;

  get(id: string): Promise<TokenRecord | undefined>;

  list(): Promise<readonly { readonly id: string; readonly token: TokenRecord }[]>;

  /** An absent one is fine. */
  delete(id: string): Promise<void>;
}

/** Keys that open no door any more, until nothing that was signed for them is good. */
export interface RevokedStore {
  list(): Promise<readonly RevokedKey[]>;

  has(key: string): Promise<boolean>;

  /** Again is fine. */
  add(key: string, node: string): Promise<void>;

  /** An absent one is fine. */
  delete(key: string): Promise<void>;
}

export interface RevokedKey {
  /** SHA-256 of a node's key, or a NATS user in lower case: keys of the cluster's state allow no other. */
  readonly key: string;
  readonly until: Date;
}

export interface EnrollPorts {
  /** Of the controller that runs this. */
  readonly identity: ClusterIdentity & { readonly controller: ControllerIdentity };
  readonly members: Members;
  readonly tokens: TokenStore;
  readonly turns: TurnStore;
  readonly revoked: RevokedStore;
  readonly meta: MetaGroup;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly now: () => Date;
  /** How long what is signed here lives; a year by default. */
  readonly certificateSeconds?: number | undefined;
}

/** What the cluster knows of a node apart from its membership. */
export interface NodeTraces {
  /** Undefined when it has told nothing of itself, or all of it was forgotten. */
  look(node: string): Promise<NodeLook | undefined>;

  /** Everything that the node has written. */
  forget(node: string): Promise<void>;
}

export interface NodeLook {
  /** Whether it is heard of. */
  readonly isAlive: boolean;
  /** How many instances are, or may be, on it. */
  readonly instances: number;
}

export interface RemovalPorts extends EnrollPorts {
  readonly traces: NodeTraces;

  /** On how many servers all of the cluster's state is. */
  readonly copies: () => Promise<number>;
}
