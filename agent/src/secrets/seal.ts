/** Encrypts with the key of this machine, as systemd does it: only its root can open what comes of it. */
import { VoltError } from '@volt/shared/errors';
import type { Programs } from '../host/index.ts';

const SYSTEMD_CREDS = '/usr/bin/systemd-creds';

/** Bound to the secret's name: what is kept under another name cannot be put in its place. The script has the same. */
const credentialName = (name: string): string => `volt.secret.${name}`;

export const sealing =
  (programs: Programs) =>
  async (name: string, contents: Uint8Array): Promise<string> => {
    const argv = [SYSTEMD_CREDS, 'encrypt', '--quiet', '--with-key=host', `--name=${credentialName(name)}`, '-', '-'];
    const { code, stdout, stderr } = await programs.run(argv, {
      signal: AbortSignal.timeout(60_000),
      input: contents,
    });
    if (code === 0 && stdout !== '') return stdout;
    const said = stderr.trim().split('\n').at(-1) ?? '';
    throw new VoltError('DEPENDENCY', `The secret '${name}' cannot be encrypted on this machine: ${said}`, {
      hint: 'systemd-creds setup',
    });
  };
