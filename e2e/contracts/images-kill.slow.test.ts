/**
 * An agent that is killed while it pulls from a registry or imports an
 * archive: the next start finds every name whole and no work half done, and
 * the next pull goes on.
 *
 * VOLT_KILL_RUNS says how often; more is better and takes longer.
 */
import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { prepareHost } from '../lab/index.ts';
import { collect, images, remote, writeSettings } from './images-at.ts';
import { ociPackages, type RunningRegistry, sh, startRegistry } from './oci-tools.ts';

const RUNS = Number(process.env['VOLT_KILL_RUNS'] ?? 10);
const LIFE_MS_MAX = 400;
const TIME_PER_RUN_MS = 10_000;
const LAYERS = 5;

const { signal } = new AbortController();
const folder = mkdtempSync(join(tmpdir(), 'volt-kill-'));
const node = join(folder, 'node');
const victim = join(import.meta.dirname, 'images-victim.ts');
let registry: RunningRegistry;
let reference: string;

beforeAll(async () => {
  await prepareHost(console.error, ociPackages);
  mkdirSync(node);
  registry = await startRegistry(join(folder, 'registry'));
  reference = `${registry.host}/shop/web:1`;
  writeSettings(node, { [registry.host]: { insecure: true } });
  sh('umoci init --layout layout; umoci new --image layout:1', folder);
  for (let layer = 0; layer < LAYERS; layer++) {
    const files = join(folder, `files${layer}`);
    mkdirSync(files);
    for (let file = 0; file < 60; file++) writeFileSync(join(files, String(file)), randomBytes(randomInt(60_000)));
    writeFileSync(join(files, 'large'), randomBytes(3_000_000));
    sh(`umoci insert --image layout:1 files${layer} /layer${layer}`, folder);
  }
  sh(`skopeo copy --dest-tls-verify=false oci:layout:1 docker://${reference}; tar -cf layout.tar -C layout .`, folder);
});

afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Resolves with what it had begun when it died. */
async function killOnce(): Promise<string> {
  const argv = [victim, node, reference, join(folder, 'layout.tar')];
  const child = spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'pipe'] });
  let [said, failed] = ['', ''];
  child.stderr.setEncoding('utf8').on('data', (text: string) => (failed += text));
  const begun = new Promise<void>((resolve) =>
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.startsWith('begin\n')) resolve();
    }),
  );
  const exited = once(child, 'exit');
  await Promise.race([begun, exited]);
  await Promise.race([setTimeout(randomInt(LIFE_MS_MAX)), exited]);
  child.kill('SIGKILL');
  const [, by] = (await exited) as [number | null, string | null];
  expect(by, failed).toBe('SIGKILL');
  return said.slice('begin\n'.length);
}

async function expectSound(): Promise<void> {
  const at = await images(node);
  expect(readdirSync(join(node, 'cas/tmp'))).toEqual([]);
  for (const { name } of at.names.list()) await at.verify(name, () => {}, signal);
  // So that the next one has all of it to do, but for the layers that came.
  for (const { name } of at.names.list()) at.names.untag(name);
  await collect(at, signal);
}

test(
  `after each of ${RUNS} kills every name is whole and nothing is half done`,
  async () => {
    const begun = new Set<string>();
    for (let run = 0; run < RUNS; run++) {
      for (const letter of await killOnce()) begun.add(letter);
      await expectSound();
    }
    expect(begun).toContain('p');
    const at = await images(node);
    await remote(node, at).pull({ reference, name: 'web', onLine: () => {} }, signal);
    expect(await at.verify('web', () => {}, signal)).toMatchObject({ objects: LAYERS * 61 + 2 });
    expect(readdirSync(join(node, 'cas/partial'))).toEqual([]);
  },
  RUNS * TIME_PER_RUN_MS,
);
