/** Users and groups of this machine, from /etc/passwd and /etc/group. */
import { readFileSync } from 'node:fs';
import type { PeerCredentials } from './peer-credentials.ts';

interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Where the accounts are written; tests point it elsewhere. */
export interface AccountFiles {
  readonly passwd: string;
  readonly group: string;
}

const systemFiles: AccountFiles = { passwd: '/etc/passwd', group: '/etc/group' };

/** The name to show for a user in audit lines: `uid:1234` when nobody has that number. */
export function userName(uid: number, files: AccountFiles = systemFiles): string {
  return usersIn(files.passwd).find((user) => user.uid === uid)?.name ?? `uid:${uid}`;
}

/**
 * Whether a caller belongs to a group: the kernel lists it for the process, or
 * the files list it for the user. The second makes `usermod -aG` take effect
 * without a new login. The files are read on every call, so removing somebody
 * takes effect as well. False if there is no such group.
 */
export function isInGroup(
  caller: Pick<PeerCredentials, 'uid' | 'gid' | 'groups'>,
  groupName: string,
  files: AccountFiles = systemFiles,
): boolean {
  const group = groupsIn(files.group).find((candidate) => candidate.name === groupName);
  if (group === undefined) return false;
  if (caller.gid === group.gid || caller.groups.includes(group.gid)) return true;
  return usersIn(files.passwd).some(
    (user) => user.uid === caller.uid && (user.gid === group.gid || group.members.includes(user.name)),
  );
}

function usersIn(path: string): User[] {
  return rows(path).flatMap(([name, , uid, gid]) => {
    const user = { name: name ?? '', uid: id(uid), gid: id(gid) };
    return user.name !== '' && user.uid >= 0 && user.gid >= 0 ? [user] : [];
  });
}

function groupsIn(path: string): Group[] {
  return rows(path).flatMap(([name, , gid, members]) => {
    const group = { name: name ?? '', gid: id(gid), members: (members ?? '').split(',').filter(Boolean) };
    return group.name !== '' && group.gid >= 0 ? [group] : [];
  });
}

/** An absent file holds nobody: a container image need not have one. */
function rows(path: string): string[][] {
  return read(path)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(':'));
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** -1 for anything but a plain number: an empty field must not become uid 0. */
function id(field: string | undefined): number {
  return field !== undefined && /^\d+$/.test(field) ? Number(field) : -1;
}
