/** Becoming the user that a container's program runs as, inside. A user is `uid:gid:group,group`, or empty for root. */
import { INSIDE } from './paths.ts';

/** The start of a command line that becomes that user, inside. None for root. */
export function userArguments(user: string): string[] {
  return user === '' ? [] : [...setpriv, ...userOptions(user), '--'];
}

/** The host's setpriv with the libraries it was built for, since an image may have neither. */
export const setpriv = [`${INSIDE}/ld.so`, '--library-path', INSIDE, `${INSIDE}/setpriv`] as const;

export function userOptions(user: string): string[] {
  const [uid = '0', gid = '0', groups = ''] = user === '' ? [] : user.split(':');
  return [`--reuid=${uid}`, `--regid=${gid}`, groups === '' ? '--clear-groups' : `--groups=${groups}`];
}
