/** The CLI's way into the quick start's lab: a context like any other, with the cluster's admin certificate. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Lab } from '../../e2e/lab/index.ts';
import { runVolt } from './run-volt.ts';

export const LAB_CONTEXT = 'lab';

const files = ['ca.crt', 'admin.crt', 'admin.key'] as const;

const configFolder = (): string => join(process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config'), 'volt');

export const labContextFile = (name: (typeof files)[number]): string => join(configFolder(), LAB_CONTEXT, name);

/** Fetches the certificate from the lab's first node and adds the context. */
export async function addLabContext(lab: Lab): Promise<void> {
  mkdirSync(join(configFolder(), LAB_CONTEXT), { recursive: true, mode: 0o700 });
  const node = lab.node(1);
  for (const name of files) {
    const text = await node.sh(`cat /etc/volt/cluster/${name}`);
    writeFileSync(labContextFile(name), text, { mode: 0o600 });
  }
  const port = await lab.hostPort('controller', 1);
  await runVolt(['context', 'rm', LAB_CONTEXT]).catch(() => {});
  const where = ['--host', `https://127.0.0.1:${port}`, '--kind', 'controller'];
  const who = [
    '--ca',
    labContextFile('ca.crt'),
    '--cert',
    labContextFile('admin.crt'),
    '--key',
    labContextFile('admin.key'),
  ];
  await runVolt(['context', 'add', LAB_CONTEXT, ...where, ...who]);
}

export async function removeLabContext(): Promise<void> {
  await runVolt(['context', 'rm', LAB_CONTEXT]).catch(() => {});
  rmSync(join(configFolder(), LAB_CONTEXT), { recursive: true, force: true });
}
