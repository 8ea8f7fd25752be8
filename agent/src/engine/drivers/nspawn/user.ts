/** Becoming the user that a container's program runs as, inside. A user is `uid:gid:group,group`, or empty for root. */
import { INSIDE } from './paths.ts';

/** The start of a command line that becomes that user, inside. None for root. */
export function userArguments(user: string): string[] {
  return user === '' ? [] : [...setpriv, ...userOptions(user), '--'];
}

/** A host program with the libraries it was built for, since an image may have neither. */
const inside = (program: string) => [`${INSIDE}/ld.so`, '--library-path', INSIDE, `${INSIDE}/${program}`] as const;

export const setpriv = inside('setpriv');

/**
 * Makes the terminal on standard input the program's own. Inside, because a
 * shell gives the terminal back at its end to whom it had it from, by number,
 * and outside the container there is no such number.
 */
export const takeTerminal = [...inside('setsid'), '--ctty'] as const;

export function userOptions(user: string): string[] {
  const [uid = '0', gid = '0', groups = ''] = user === '' ? [] : user.split(':');
  return [`--reuid=${uid}`, `--regid=${gid}`, groups === '' ? '--clear-groups' : `--groups=${groups}`];
}
