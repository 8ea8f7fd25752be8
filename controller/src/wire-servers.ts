/**
 * The loop that keeps this node's NATS in step with the list of controllers,
 * on the real machine. The only place where a controller touches it: a handful
 * of its own files, and two units.
 */
import { execFile } from 'node:child_process';
import { open, readFile, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { toVoltError } from '@volt/shared/errors';
import { systemClock } from '@volt/shared/kv';
import type { Log } from '@volt/shared/server';
import { createServerKeeper, type ServerFiles, type ServerPorts, type ServerUnits } from './enroll/index.ts';

const PASS_EVERY_MS = 5000;
const COMMAND_TIMEOUT_MS = 30_000;

const execute = promisify(execFile);

/** Runs until the signal. A pass that fails is followed by the next one. */
export async function runServers(
  ports: Omit<ServerPorts, 'files' | 'units' | 'now'> & { readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const keeper = createServerKeeper({ ...ports, files, units, now: () => new Date() });
  let said = '';
  while (!signal.aborted) {
    try {
      await keeper.pass();
      said = '';
    } catch (thrown) {
      const { code, message } = toVoltError(thrown);
      if (said !== message) ports.log.warn({ code, message }, 'The NATS servers stay as they are; trying again');
      said = message;
    }
    await systemClock.sleep(PASS_EVERY_MS, signal);
  }
}

const files: ServerFiles = {
  async read(path) {
    try {
      return await readFile(path, 'utf8');
    } catch (thrown) {
      if ((thrown as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw thrown;
    }
  },
  async write(path, text, { mode }) {
    // One writer, so one fixed name; what a crash left is overwritten.
    const staging = `${path}.partial`;
    await flush(staging, 'w', { text, mode });
    await rename(staging, path);
    await flush(dirname(path), 'r');
  },
  remove: (path) => rm(path, { force: true }),
  removeTree: (path) => rm(path, { recursive: true, force: true }),
};

const units: ServerUnits = {
  reload: (unit) => systemctl('reload', unit),
  restart: (unit) => systemctl('restart', unit),
  async forget(unit) {
    const path = `/etc/systemd/system/${unit}`;
    if ((await files.read(path)) === undefined) return;
    await systemctl('disable', '--now', unit);
    await files.remove(path);
    await systemctl('daemon-reload');
    // A unit that failed would be listed until the next boot; one that did not is not known any more.
    await systemctl('reset-failed', unit).catch(() => undefined);
  },
};

async function flush(path: string, flags: 'w' | 'r', content?: { text: string; mode: number }): Promise<void> {
  const file = await open(path, flags, content?.mode);
  try {
    if (content !== undefined) await file.writeFile(content.text);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function systemctl(...args: readonly string[]): Promise<void> {
  await execute('systemctl', ['--quiet', ...args], { timeout: COMMAND_TIMEOUT_MS });
}
