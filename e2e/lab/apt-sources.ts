/** Which Debian mirror this host uses, and through which proxy: the lab asks nobody else. */
import { run } from './process.ts';

/** Base addresses without a slash at the end, as in 'http://deb.debian.org/debian'. */
export interface Mirrors {
  readonly debian: string;
  readonly security: string;
  /** The proxy apt is told to use, or undefined. */
  readonly proxy?: string | undefined;
}

const DEFAULT_DEBIAN = 'http://deb.debian.org/debian';
const DEFAULT_SECURITY = 'http://deb.debian.org/debian-security';

export async function hostMirrors(): Promise<Mirrors> {
  const [targets, proxy] = await Promise.all([
    run(['apt-get', 'indextargets', '--format', '$(REPO_URI)']),
    run(['apt-config', 'shell', 'proxy', 'Acquire::http::Proxy']),
  ]);
  return chooseMirrors(targets.stdout.split('\n'), proxyFromShell(proxy.stdout));
}

/**
 * The archive and the security archive among the host's sources. A host with
 * none of its own (sources of another kind only) gets Debian's public ones.
 */
export function chooseMirrors(repositories: readonly string[], proxy: string | undefined): Mirrors {
  const plain = repositories.map((uri) => uri.trim().replace(/\/+$/, '')).filter((uri) => /^https?:\/\//.test(uri));
  return {
    debian: plain.find((uri) => uri.endsWith('/debian')) ?? DEFAULT_DEBIAN,
    security: plain.find((uri) => uri.endsWith('/debian-security')) ?? DEFAULT_SECURITY,
    proxy,
  };
}

/** `apt-config shell` answers `proxy='http://…'`, or nothing when it is not set. */
export function proxyFromShell(text: string): string | undefined {
  const value = /^proxy='(https?:\/\/[^']+)'$/m.exec(text)?.[1];
  return value;
}
