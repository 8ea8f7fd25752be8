import { cpus, release, totalmem } from 'node:os';

/** What kind of machine the numbers are from: enough to know which others they may be compared to. */
export function machineClass(): string {
  const gib = Math.round(totalmem() / 1024 ** 3);
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? process.arch}, ${gib} GiB, Linux ${release()}`;
}
