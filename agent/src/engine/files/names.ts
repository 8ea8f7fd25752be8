/** Names of entries on their way into and out of a container. Pure. */
import { VoltError } from '@volt/shared/errors';
import { type ByteString, shown } from '../../store/index.ts';

/** `.` and doubled slashes mean nothing; `..` and a leading slash are refused. '' is the root of the archive. */
export function plainPath(name: ByteString, refuse: (why: string) => VoltError): ByteString {
  if (name.startsWith('/')) throw refuse(`'${shown(name)}' is an absolute path`);
  const parts = name.split('/').filter((part) => part !== '' && part !== '.');
  if (parts.includes('..')) throw refuse(`'${shown(name)}' leads out of the archive`);
  return parts.join('/');
}

/** With another first name. The root of the archive has none to change. */
export function renamed(path: ByteString, as: ByteString | undefined): ByteString {
  if (as === undefined || path === '') return path;
  const slash = path.indexOf('/');
  return slash === -1 ? as : as + path.slice(slash);
}

export const badArchive = (why: string): VoltError => new VoltError('INVALID_CONFIG', `Bad tar archive: ${why}`);

/** What comes out of a container is as its programs made it. */
export const badContents = (why: string): VoltError =>
  new VoltError('DEPENDENCY', `What was read of the container is refused: ${why}`);
