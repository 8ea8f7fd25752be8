/** Locks of the machine, flock(2): held by an open file, so that the kernel gives them back when their holder dies. */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { VoltError } from '@volt/shared/errors';
import { libc } from './libc.ts';

export interface HeldLock {
  release(): void;
}

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the lock or throws CONFLICT at once, when another process or another holder in this one has it. */
export function holdLock(path: string, holder: string): HeldLock {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const fd = openSync(path, 'a', 0o600);
  if (libc().flock(fd, LOCK_EX | LOCK_NB) === 0) return { release: () => closeSync(fd) };
  closeSync(fd);
  throw new VoltError('CONFLICT', `${holder} runs already`, { hint: 'systemctl status volt' });
}
