/** What taking in nodes needs from the outside. main.ts supplies it. */
import type { Member, TokenRecord } from '@volt/shared/model';
import type { ClusterIdentity, ControllerIdentity } from '@volt/shared/pki';

/** The nodes of the cluster, kept where all controllers see them. */
export interface Members {
  list(): Promise<readonly Member[]>;

  /** CONFLICT when the name or the subnet is taken; then nothing is recorded. */
  create(member: Member): Promise<void>;
}

/** Join tokens by id. */
export interface TokenStore {
  put(id: string, token: TokenRecord): Promise<void>;

  get(id: string): Promise<TokenRecord | undefined>;

  list(): Promise<readonly { readonly id: string; readonly token: TokenRecord }[]>;

  /** An absent one is fine. */
  delete(id: string): Promise<void>;
}

export interface EnrollPorts {
  /** Of the controller that runs this. */
  readonly identity: ClusterIdentity & { readonly controller: ControllerIdentity };
  readonly members: Members;
  readonly tokens: TokenStore;
  readonly now: () => Date;
}
