import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Faults, faultsOf } from './faults.ts';
import { NodeFiles } from './node-files.ts';

class Dead extends Error {}

let folder: string;
let faults: Faults;
let deaths: string[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-faults-'));
  deaths = [];
  faults = new Faults(join(folder, 'faults'), (where) => {
    deaths.push(where.replaceAll(folder, ''));
    throw new Dead();
  });
});
afterEach(() => rmSync(folder, { recursive: true }));

const arm = (count: number) => writeFileSync(join(folder, 'faults'), String(count));
const files = () => faults.on('files', new NodeFiles());
const mode = { mode: 0o600 };

test('until it is told to, it lives', async () => {
  await files().write(join(folder, 'a'), 'text', mode);
  expect(await files().read(join(folder, 'a'))).toBe('text');
});

test('it ends at the call that was counted down to', async () => {
  const port = files();
  arm(3);
  await port.read(join(folder, 'a'));
  await port.list(folder);
  expect(() => port.remove(join(folder, 'a'))).toThrow(Dead);
  expect(deaths).toEqual(['before files.remove /a']);
});

test('it can end in the middle of a write, which leaves a file without its name', () => {
  arm(2);
  expect(() => files().write(join(folder, 'a'), 'text', mode)).toThrow(Dead);
  expect(deaths).toEqual(['during files.write /a NodeFiles']);
  expect(readdirSync(folder).toSorted()).toEqual(['a.0123456789ab.tmp', 'faults.taken']);
});

test('it lives on when that is called off', async () => {
  const port = files();
  arm(2);
  await port.list(folder);
  rmSync(join(folder, 'faults.taken'));
  await port.list(folder);
  expect(deaths).toEqual([]);
});

test('without the variable the ports are what they were', () => {
  const port = new NodeFiles();
  expect(faultsOf({}).on('files', port)).toBe(port);
  expect(faultsOf({ VOLT_FAULTS: join(folder, 'faults') }).on('files', port)).not.toBe(port);
});
