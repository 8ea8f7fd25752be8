/** Whom an image names as its user. Images use names; the kernel wants numbers. Pure. */
import { VoltError } from '@volt/shared/errors';

/** Texts of the image's account files. */
export interface Accounts {
  readonly passwd: string;
  readonly group: string;
}

/**
 * `uid:gid:group,group` for what an image calls its user: a name or a number,
 * with or without a group. Empty for root. Pure.
 */
export function numericUser(user: string, accounts: Accounts): string {
  if (user === '' || user === 'root' || user === '0' || user === '0:0') return '';
  const [who = '', group] = user.split(':');
  const row = rows(accounts.passwd).find(([name, , uid]) => name === who || uid === who);
  const uid = row?.[2] ?? who;
  if (!isId(uid)) throw new VoltError('INVALID_CONFIG', `The image has no user '${who}'`);
  const gid = group === undefined ? (row?.[3] ?? '0') : groupId(group, accounts);
  // A group that was asked for stands alone, as with other engines.
  const others = group === undefined && row !== undefined ? memberships(row[0]!, accounts) : [];
  return `${uid}:${gid}:${others.filter((id) => id !== gid).join(',')}`;
}

function groupId(group: string, accounts: Accounts): string {
  const id = rows(accounts.group).find(([name]) => name === group)?.[2] ?? group;
  if (!isId(id)) throw new VoltError('INVALID_CONFIG', `The image has no group '${group}'`);
  return id;
}

function memberships(name: string, accounts: Accounts): string[] {
  return rows(accounts.group)
    .filter(([, , id, members]) => isId(id ?? '') && (members ?? '').split(',').includes(name))
    .map(([, , id]) => id!);
}

const rows = (text: string): string[][] => text.split('\n').map((line) => line.trim().split(':'));

const isId = (text: string): boolean => /^\d{1,5}$/.test(text) && Number(text) < 65_536;
