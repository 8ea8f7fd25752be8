import { X509Certificate } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { VoltError } from '@volt/shared/errors';
import * as z from 'zod';
import { command } from '../catalog/index.ts';
import { chooseContext, contextsPath, readContexts, replaceFile } from '../contexts/index.ts';

const CERTIFICATE_MODE = 0o644;

export const contextRenew = command({
  path: 'context renew',
  summary: 'Have a controller renew the certificate of the context in use; its key stays.',
  params: () => z.object({}),
  examples: ['context renew', '--context prod context renew'],
  errors: ['INVALID_CONFIG', 'NOT_FOUND'],

  async run(_values, session) {
    const file = await readContexts(contextsPath(session.terminal.env));
    const { name, context } = chooseContext(file, session.settings.context);
    const { target } = await session.destination();
    if (target.kind !== 'tls' || context.cert === undefined) {
      throw new VoltError('USAGE', `Context '${name}' shows no certificate`, { hint: 'volt context list -o wide' });
    }
    const present = new X509Certificate(target.cert);
    const publicKey = present.publicKey.export({ type: 'spki', format: 'pem' });
    const controller = await session.controller('context renew');
    const { certificate } = await controller.call('certificate.sign', { publicKey }, { signal: session.signal });
    const renewed = new X509Certificate(certificate);
    if (!renewed.publicKey.equals(present.publicKey)) {
      throw new VoltError('GENERAL', 'The controller signed a certificate for another key');
    }
    // Where the file is a link, what it leads to is replaced.
    await replaceFile(await realpath(context.cert), certificate, CERTIFICATE_MODE);
    await session.print({ name, until: renewed.validToDate.toISOString() }, { columns: ['name', 'until'] });
    return 0;
  },
});
