/** Places inside whose files are there only while the container runs. */
import { posix } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import type { ContainerConfig } from '@volt/shared/model';

/** Made anew at each start. */
const MADE_AT_START = ['/dev', '/proc', '/run', '/sys', '/tmp'];

/** CONFLICT for a path that a start would hide. */
export function refuseMounted({ spec, mounts = [] }: ContainerConfig, path: string): void {
  const plain = posix.resolve('/', path);
  const places = [...MADE_AT_START, ...mounts.map(({ target }) => target)];
  const place = places.find((one) => plain === one || plain.startsWith(`${one}/`));
  if (place === undefined) return;
  throw new VoltError('CONFLICT', `'${place}' of '${spec.name}' is there only while it runs`, {
    hint: `volt container start ${spec.name}`,
  });
}
