import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';

const PEM = '-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n';

/** A configuration folder whose current context is a controller, `prod`; there is an agent, `edge`, beside it. */
export function controllerHome(folder: string): string {
  mkdirSync(join(folder, 'volt'), { recursive: true });
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => {
    const path = join(folder, name);
    writeFileSync(path, PEM);
    return path;
  });
  const contexts = {
    prod: { kind: 'controller', host: 'https://192.0.2.1:7444', ca, cert, key },
    edge: { kind: 'agent', host: 'https://192.0.2.9:7443', ca, cert, key },
  };
  writeFileSync(join(folder, 'volt', 'contexts.yaml'), stringify({ current: 'prod', contexts }));
  return folder;
}
