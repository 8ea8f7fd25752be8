import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Put in by the build: the package's version and the commit it was built from. */
declare const VOLT_VERSION: string | undefined;

/** Such as `0.1.0+5f3a2c1`; `0.1.0+source` when run from the source tree. */
export const version: string = typeof VOLT_VERSION === 'string' ? VOLT_VERSION : `${packageVersion()}+source`;

function packageVersion(): string {
  const file = readFileSync(join(import.meta.dirname, '../../../package.json'), 'utf8');
  return (JSON.parse(file) as { version: string }).version;
}
