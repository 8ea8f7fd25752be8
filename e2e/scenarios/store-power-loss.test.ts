/**
 * The power goes while images are imported, on a machine whose kernel really
 * loses what was not written. Whatever the store had acknowledged is there
 * afterwards, whole; of what it had not, no half is left.
 * VOLT_POWER_LOSSES says how often, once if it does not.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setTimeout as pause } from 'node:timers/promises';
import { eventually } from '../lab/testing.ts';
import { type Machine, openTestMachine } from '../vm/index.ts';

const LOSSES = Number(process.env['VOLT_POWER_LOSSES'] ?? 1);
const MS_PER_LOSS = 8 * 60_000;

/** Imports images of contents that never were before, and notes durably what was acknowledged. */
const IMPORTER = `
set -eu
life=$1 n=0
while :; do
  n=$((n + 1)) name=life$life-$n
  rm -rf /root/tree && mkdir -p /root/tree/etc && cd /root/tree/etc
  head -c 6000000 /dev/urandom | split -a 4 -b 20000
  head -c 3000000 /dev/urandom > large
  tar -C /root/tree -c . | volt image import "$name" - >/dev/null
  echo "$name" >> /root/acknowledged && sync /root/acknowledged
done
`;

let machine: Machine;
beforeAll(async () => {
  machine = await openTestMachine('power');
  await machine.boot();
  await machine.sh('cat > /root/importer', { input: IMPORTER });
  await machine.sh('volt daemon install');
}, MS_PER_LOSS);
afterAll(() => machine?.[Symbol.asyncDispose]());

test(
  'power loss during an import: what was acknowledged is whole, and of the rest nothing is left',
  { timeout: MS_PER_LOSS * LOSSES },
  async () => {
    for (let life = 1; life <= LOSSES; life++) {
      const already = await acknowledged();
      await machine.sh(`systemd-run --quiet --unit=importer bash /root/importer ${life}`);
      await eventually(async () => (await acknowledged()).length > already.length, { timeoutMs: 120_000 });
      // Somewhere in an import, whose length nobody knows.
      await pause(Math.random() * 3000);
      await machine.powerLoss();

      await machine.boot();
      const names = await acknowledged();
      expect(names.length).toBeGreaterThan(already.length);
      const images = JSON.parse(await machine.sh('volt image list -o json')) as { name: string }[];
      expect(images.map((image) => image.name)).toEqual(expect.arrayContaining(names.map((name) => `${name}:latest`)));
      // Everything in the store, and everything a name reaches.
      await machine.sh('volt cas verify', { timeoutMs: 300_000 });
      expect(await machine.sh('ls -A /var/lib/volt/cas/tmp')).toBe('');
      for (const { name } of images) await machine.sh(`volt image verify ${name}`);
    }
  },
);

const acknowledged = async (): Promise<string[]> =>
  (await machine.sh('cat /root/acknowledged 2>/dev/null || true')).split('\n').filter((line) => line !== '');
