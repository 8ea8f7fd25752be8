/**
 * `pnpm volt …`: the CLI from source. While the quick start's lab is up and
 * nobody says otherwise, it talks to that.
 */
import { existsSync } from 'node:fs';
import { labContextFile, LAB_CONTEXT } from './quickstart/context.ts';

const saysOtherwise =
  process.env['VOLT_CONTEXT'] !== undefined ||
  process.env['VOLT_HOST'] !== undefined ||
  process.argv.some((word) => /^--(?:context|host)(?:=|$)/.test(word));

if (!saysOtherwise && existsSync(labContextFile('admin.key'))) process.env['VOLT_CONTEXT'] = LAB_CONTEXT;

await import('./volt-entry.ts');
