import { VoltError } from '../errors/index.ts';
import type { Permission } from '../rpc/index.ts';

/**
 * Who is asking. Always established by something the asker cannot choose: the
 * kernel's word about a socket, or a certificate that our CA signed.
 */
export interface Caller {
  /** For audit lines and refusals: a user name or a certificate's name. */
  readonly name: string;
  /** Their uid on this machine; null for those who come over the network. */
  readonly uid: number | null;
  readonly roles: readonly Role[];
  /** SHA-256 of the key of the certificate that they showed themselves, when nobody else speaks for them. */
  readonly key?: string | undefined;
}

/**
 * anonymous   nobody we know; may only knock (enrol with a token)
 * reader      may look
 * admin       may do anything
 * node        an agent: may look, and fetch objects of the store
 * controller  may look, and speak for somebody else
 */
export type Role = 'anonymous' | 'reader' | 'admin' | 'node' | 'controller';

export const ANONYMOUS: Caller = { name: 'anonymous', uid: null, roles: ['anonymous'] };

const isRead = (permission: Permission) => permission.endsWith(':read');

const grants: Record<Role, (permission: Permission) => boolean> = {
  anonymous: () => false,
  reader: isRead,
  node: isRead,
  controller: isRead,
  admin: () => true,
};

export function mayDo(caller: Caller, permission: Permission): boolean {
  return permission === 'public' || caller.roles.some((role) => grants[role](permission));
}

/** Throws PERMISSION unless one of the caller's roles grants it. */
export function authorize(caller: Caller, permission: Permission): void {
  if (mayDo(caller, permission)) return;
  const hint =
    caller.uid === null ? 'use a certificate with the role admin' : "run as root, or as a user in the group 'volt'";
  throw new VoltError('PERMISSION', `'${caller.name}' may not do this: it needs '${permission}'`, { hint });
}
