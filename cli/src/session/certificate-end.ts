import { X509Certificate } from 'node:crypto';
import type { Destination } from '../contexts/index.ts';

/** Nodes renew theirs by themselves long before; what people hold ends unless they do something. */
const WARN_SHARE = 1 / 6;

/** What to tell the owner of a certificate that ends soon or has ended. */
export function endNote({ context, target }: Destination, now: Date): string | undefined {
  const certificate = target.kind === 'tls' ? parsed(target.cert) : undefined;
  if (certificate === undefined) return undefined;
  const { validFromDate, validToDate } = certificate;
  const leftMs = validToDate.getTime() - now.getTime();
  if (leftMs > WARN_SHARE * (validToDate.getTime() - validFromDate.getTime())) return undefined;
  const day = validToDate.toISOString().slice(0, 10);
  if (leftMs > 0) return `warning: the certificate of context '${context}' ends on ${day}: volt context renew`;
  return (
    `warning: the certificate of context '${context}' has ended on ${day}; on the cluster's first node, ` +
    '/etc/volt/cluster/admin.crt goes on with the same key'
  );
}

/** What cannot be read is for the connection to complain of. */
function parsed(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text);
  } catch {
    return undefined;
  }
}
