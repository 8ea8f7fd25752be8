/** Asking a controller to be taken in. */
import { VoltError } from '@volt/shared/errors';
import { ENROLL_PATH, fingerprintOf, makeRequest, readToken } from '@volt/shared/pki';
import { controllerMethods, type Result } from '@volt/shared/rpc';
import { fromErrorBody, type RpcErrorBody } from '@volt/shared/wire';
import type { Controllers } from './ports.ts';

const row = controllerMethods['cluster.enroll'];
/** All that makes a machine a member. Secret. */
export type Admission = Result<typeof row>;

export interface Asking {
  /** `address:port` of the controller. */
  readonly controller: string;
  readonly token: string;
  readonly node: string;
  readonly address: string;
  readonly role: 'auto' | 'controller' | 'agent';
  /** Private, in PEM. Only a request signed with it is sent. */
  readonly key: string;
  readonly userKey: string;
}

/** Nothing is sent before the controller has shown that it belongs to the CA in the token. */
export async function askIn(
  controllers: Pick<Controllers, 'post'>,
  { controller, token, node, address, role, key, userKey }: Asking,
  signal: AbortSignal,
): Promise<Admission> {
  const { fingerprint } = readToken(token);
  const params = { token, node, address, role, certificateRequest: makeRequest(key), userKey };
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'cluster.enroll', params });
  const [host = '', port = ''] = controller.split(':');
  const target = { host, port: Number(port), fingerprint, path: ENROLL_PATH };
  const admission = admissionOf(await controllers.post({ ...target, body, signal }), controller);
  const authority = admission.files['ca.crt'];
  if (authority === undefined || fingerprintOf(authority) !== fingerprint) {
    throw new VoltError('PERMISSION', `'${controller}' gave a CA that is not the one in the token`);
  }
  return admission;
}

function admissionOf(text: string, controller: string): Admission {
  const frame = parse(text);
  if (typeof frame === 'object' && frame !== null && 'error' in frame) {
    throw fromErrorBody(frame.error as RpcErrorBody);
  }
  const result = typeof frame === 'object' && frame !== null && 'result' in frame ? frame.result : undefined;
  const parsed = row.result.safeParse(result);
  // The answer holds secrets; it does not become a cause.
  if (!parsed.success) throw new VoltError('GENERAL', `'${controller}' gave an answer that cannot be read`);
  return parsed.data;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
