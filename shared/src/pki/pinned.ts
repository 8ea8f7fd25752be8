/**
 * Talking to a controller that is known by its CA's fingerprint alone.
 *
 * Two connections. The first sends nothing after its handshake: it looks at
 * the certificates that the other side shows and keeps the one whose hash is
 * the fingerprint. The second trusts that certificate and no other, and leaves
 * chain, dates, address and proof of the key to OpenSSL, as every other
 * connection of ours does. Only when that has passed is the request written.
 */
import type { X509Certificate } from 'node:crypto';
import { Agent, request as httpsRequest } from 'node:https';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { VoltError } from '../errors/index.ts';

const CONNECT_TIMEOUT_MS = 10_000;
/** Signing and a few writes to the cluster's state. */
const ANSWER_TIMEOUT_MS = 60_000;
const ANSWER_BYTES_MAX = 1024 * 1024;
/** Leaf, CA, and room for what a stranger may send. */
const CHAIN_LENGTH_MAX = 8;

export interface PinnedTarget {
  readonly host: string;
  readonly port: number;
  /** SHA-256 of the CA's certificate, hexadecimal. */
  readonly fingerprint: string;
}

export interface PinnedRequest extends PinnedTarget {
  readonly path: string;
  readonly body: string;
  readonly signal: AbortSignal;
}

/**
 * The body of the answer to a POST. PERMISSION when the other side is not a
 * controller of the pinned CA; nothing was sent then. NETWORK and TIMEOUT as
 * usual; after them the request may have been carried out.
 */
export async function postPinned(request: PinnedRequest): Promise<string> {
  const authority = await fetchAuthority(request, request.signal);
  const socket = await openTls(request, { ca: authority }, request.signal);
  try {
    if (!isController(socket.getPeerX509Certificate()))
      throw impostor(request, 'it is not a controller of the cluster');
    return await post(socket, request);
  } finally {
    socket.destroy();
  }
}

/** The CA certificate, in PEM, that hashes to the fingerprint; PERMISSION when the other side does not show it. */
export async function fetchAuthority(target: PinnedTarget, signal: AbortSignal): Promise<string> {
  const socket = await openTls(target, { rejectUnauthorized: false }, signal);
  try {
    const authority = chainOf(socket).find((certificate) => hashOf(certificate) === target.fingerprint);
    if (authority === undefined) throw impostor(target, 'its CA is not the one in the token');
    return authority.toString();
  } finally {
    socket.destroy();
  }
}

function chainOf(socket: TLSSocket): X509Certificate[] {
  const chain: X509Certificate[] = [];
  let certificate = socket.getPeerX509Certificate();
  while (certificate !== undefined && chain.length < CHAIN_LENGTH_MAX) {
    chain.push(certificate);
    certificate = certificate.issuerCertificate;
  }
  return chain;
}

const hashOf = (certificate: X509Certificate): string => certificate.fingerprint256.replaceAll(':', '').toLowerCase();

/** A node of the cluster has a certificate of the same CA, and must not be able to collect tokens. */
function isController(certificate: X509Certificate | undefined): boolean {
  // One attribute a line; Node escapes line breaks inside values.
  return certificate?.subject.split('\n').includes('O=volt:controller') ?? false;
}

function impostor({ host, port }: PinnedTarget, why: string): VoltError {
  return new VoltError('PERMISSION', `'${host}:${port}' cannot be trusted: ${why}`, {
    hint: 'make a fresh token on a controller: volt cluster token',
  });
}

/** Resolves after the handshake, with the other side verified unless `rejectUnauthorized` is off. */
function openTls(target: PinnedTarget, options: ConnectionOptions, signal: AbortSignal): Promise<TLSSocket> {
  const { host, port } = target;
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // An address is no server name (RFC 6066, section 3); the certificate is checked for `host` all the same.
    const socket = connect({ ...options, host, port, servername: '', minVersion: 'TLSv1.3' });
    const end = (error: VoltError) => {
      socket.destroy();
      reject(error);
    };
    const onAbort = () => end(new VoltError('INTERRUPTED', 'Cancelled'));
    signal.addEventListener('abort', onAbort, { once: true });
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => end(new VoltError('TIMEOUT', `'${host}:${port}' did not answer`)));
    socket.once('close', () => signal.removeEventListener('abort', onAbort));
    socket.once('error', (thrown: NodeJS.ErrnoException) => end(translate(target, thrown)));
    socket.once('secureConnect', () => {
      socket.setTimeout(0);
      resolve(socket);
    });
  });
}

function translate(target: PinnedTarget, thrown: NodeJS.ErrnoException): VoltError {
  const where = `'${target.host}:${target.port}'`;
  const isSystemError = thrown.errno !== undefined || thrown.code === 'ECONNRESET';
  const isTlsAlert = thrown.code?.startsWith('ERR_SSL_') ?? false;
  if (isSystemError || isTlsAlert) {
    return new VoltError('NETWORK', `${where} cannot be reached (${thrown.code})`, { cause: thrown });
  }
  // What is left are OpenSSL's reasons for not believing a certificate.
  return new VoltError('PERMISSION', `${where} cannot be trusted: its certificate is refused (${thrown.code})`, {
    cause: thrown,
  });
}

function post(socket: TLSSocket, { host, port, path, body, signal }: PinnedRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    agent.createConnection = () => socket;
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) };
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]);
    const sent = httpsRequest({ agent, host, port, path, method: 'POST', headers, signal: deadline });
    sent.once('error', (thrown) => reject(answerError(thrown, { host, port, signal })));
    sent.once('response', (answer) => {
      const chunks: Buffer[] = [];
      let size = 0;
      answer.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > ANSWER_BYTES_MAX) answer.destroy(new Error('The answer is too long'));
        else chunks.push(chunk);
      });
      answer.once('error', (thrown) => reject(answerError(thrown, { host, port, signal })));
      answer.once('end', () => {
        if (answer.statusCode === 200) resolve(Buffer.concat(chunks).toString('utf8'));
        else reject(new VoltError('NETWORK', `'${host}:${port}' answered with HTTP status ${answer.statusCode}`));
      });
    });
    sent.end(body);
  });
}

function answerError(
  thrown: unknown,
  { host, port, signal }: { host: string; port: number; signal: AbortSignal },
): VoltError {
  if (signal.aborted) return new VoltError('INTERRUPTED', 'Cancelled', { cause: thrown });
  const isLate = thrown instanceof Error && thrown.name === 'AbortError';
  if (isLate) return new VoltError('TIMEOUT', `'${host}:${port}' did not answer`, { cause: thrown });
  return new VoltError('NETWORK', `'${host}:${port}' hung up`, { cause: thrown });
}
