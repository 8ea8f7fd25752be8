/** For tests: a fresh machine, ready to boot, with the built binary in it. */
import { join } from 'node:path';
import { prepareHost, type Report } from '../lab/index.ts';
import { DEFAULT_BINARY, defaultLabDir } from '../lab/index.ts';
import { ensureBoot, ensurePayload } from './disk.ts';
import { Machine } from './machine.ts';

const isArm = process.arch === 'arm64';
const packages = [isArm ? 'qemu-system-arm' : 'qemu-system-x86', 'qemu-utils', 'e2fsprogs'];

/** Installs QEMU and makes the disks where they are missing. The caller disposes of the machine. */
export async function openTestMachine(name: string, report: Report = console.error): Promise<Machine> {
  await prepareHost(report, packages);
  const dir = defaultLabDir();
  const home = join(dir, `vm-${name}.${process.pid}`);
  return new Machine({
    name,
    home,
    boot: await ensureBoot(dir, report),
    payload: await ensurePayload(dir, process.env['VOLT_LAB_BINARY'] ?? DEFAULT_BINARY),
  });
}
