/**
 * Which way of laying out lowers this machine can have, found out by trying:
 * a kernel's number says little about what its distributor built or took away.
 */
import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { release } from 'node:os';
import { join } from 'node:path';
import { toVoltError, VoltError } from '@volt/shared/errors';
import type { Programs, SpecialFiles } from '../host/index.ts';
import { uniqueName } from './durable.ts';
import { errnoOf } from './fs-errors.ts';
import { type Layout, UNFINISHED } from './layout.ts';
import { placeRedirect } from './lower-redirect.ts';
import { hasRedirects, type LowerWay } from './lower-way.ts';

export type LowersSetting = 'auto' | LowerWay;

export interface LowerChoice {
  readonly way: LowerWay;
  /** Why it is not a better one; null for the best. */
  readonly reason: string | null;
  /** Whether a redirect tree can be mounted, whatever was chosen for the next ones. */
  readonly canRedirect: boolean;
}

export interface ProbePorts {
  readonly programs: Programs;
  readonly specials: SpecialFiles;
}

interface ProbeOptions extends ProbePorts {
  readonly layout: Layout;
  readonly setting: LowersSetting;
}

/** The first kernel whose overlay has data-only layers. */
const KERNEL_MIN = [6, 5] as const;
const PROBE_TIMEOUT_MS = 10_000;
const CONTENTS = 'volt\n';
const DIGEST = 'ab'.repeat(32);

/** Read-only, so that a full disk does not look like a kernel that refuses. The mount goes with its namespace. */
const TRY_MOUNT = `
mount -t overlay -o "metacopy=on,redirect_dir=on,lowerdir=$1/meta::$1/objects" volt "$1/mounted" &&
read -r seen < "$1/mounted/file" && echo "$seen"`;
const MOUNT_REFUSED = 32;

/** Throws DEPENDENCY where the setting names a way that cannot be had. */
export async function chooseLowers(options: ProbeOptions): Promise<LowerChoice> {
  const { setting, layout } = options;
  const isAsked = setting === 'auto' || setting === 'redirect';
  // Whether redirect trees from before can be mounted matters, whatever is set.
  const tried =
    isAsked || hasRedirects(layout.images) ? await tryRedirects(options) : { why: 'not tried', isCertain: false };
  if (isAsked && tried.why === null) return { way: 'redirect', reason: null, canRedirect: true };
  if (setting === 'redirect') throw cannot(setting, tried.why);
  const canRedirect = tried.why === null || !tried.isCertain;
  const reason = setting === 'auto' ? tried.why : 'store.lowers is set so';
  if (setting === 'copy') return { way: setting, reason, canRedirect };
  const noLinks = whyNoLinks(layout);
  if (noLinks === null) return { way: 'hardlink', reason, canRedirect };
  if (setting === 'hardlink') throw cannot(setting, noLinks);
  return { way: 'copy', reason: `${reason}; ${noLinks}`, canRedirect };
}

interface Tried {
  /** Null where it worked. */
  readonly why: string | null;
  /** The kernel said so. Anything else may be different the next time, and is no reason to give up what is there. */
  readonly isCertain: boolean;
}

async function tryRedirects({ layout, programs, specials }: ProbeOptions): Promise<Tried> {
  if (isOlder(release())) return { why: `kernel ${release()} has no data-only layers`, isCertain: true };
  const folder = uniqueName(layout.tmp, 'probe');
  try {
    makeSample(folder, specials);
    const argv = ['unshare', '--mount', '--propagation', 'private', '--', 'sh', '-c', TRY_MOUNT, 'sh', folder];
    const signal = new AbortController().signal;
    const { code, stdout, stderr } = await programs.run(argv, { signal, timeoutMs: PROBE_TIMEOUT_MS });
    if (code === 0 && stdout === CONTENTS) return { why: null, isCertain: true };
    const said = stderr.trim().split('\n').at(-1)?.replaceAll(folder, '…');
    return { why: `an overlay with a data-only layer fails: ${said}`, isCertain: code === MOUNT_REFUSED };
  } catch (thrown) {
    const message = toVoltError(thrown).message.replaceAll(folder, '…');
    return { why: `an overlay with a data-only layer could not be tried: ${message}`, isCertain: false };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The smallest redirect tree: one file. */
function makeSample(folder: string, specials: SpecialFiles): void {
  for (const name of ['', 'meta', 'objects', 'objects/ab', 'mounted']) mkdirSync(join(folder, name), { mode: 0o700 });
  writeFileSync(join(folder, 'objects/ab', DIGEST), CONTENTS, { mode: 0o400 });
  const metadata = { mode: 0o644, uid: 0, gid: 0, mtime: '0' };
  const entry = { type: 'file', path: 'file', sizeBytes: CONTENTS.length, digest: DIGEST, ...metadata } as const;
  placeRedirect(entry, join(folder, 'meta/file'), specials);
}

/** Objects and lowers are in different folders, which may be different file systems. */
function whyNoLinks(layout: Layout): string | null {
  const [from, to] = [uniqueName(layout.tmp, 'probe'), uniqueName(layout.images, UNFINISHED)];
  try {
    writeFileSync(from, '', { mode: 0o600 });
    linkSync(from, to);
    return null;
  } catch (thrown) {
    return `the file system refuses hard links from objects to lowers (${errnoOf(thrown)})`;
  } finally {
    rmSync(from, { force: true });
    rmSync(to, { force: true });
  }
}

function isOlder(kernel: string): boolean {
  const [major = 0, minor = 0] = kernel.split('.').map((part) => Number.parseInt(part, 10));
  return major < KERNEL_MIN[0] || (major === KERNEL_MIN[0] && minor < KERNEL_MIN[1]);
}

const cannot = (way: LowerWay, why: string | null): VoltError =>
  new VoltError('DEPENDENCY', `Lowers cannot be made the way store.lowers says, '${way}': ${why}`, {
    hint: 'set store.lowers to auto in /etc/volt/config.yaml',
  });
