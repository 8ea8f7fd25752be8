import { mkdtempSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { VoltError } from '../errors/index.ts';
import { AuditTrail } from './audit.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'volt-audit-'));
});
afterEach(async () => {
  for (const trail of trails.splice(0)) await trail.close();
  rmSync(folder, { recursive: true, force: true });
});

const karl = { name: 'karl', uid: 1000, roles: ['admin'] as const };
const create = { method: 'container.create', action: 'container.create', resource: 'web' };
const trails: AuditTrail[] = [];
const open = (path: string) => {
  const trail = new AuditTrail(path);
  trails.push(trail);
  return trail;
};
const read = (path: string) =>
  readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as object);

/** Undefined for a descriptor that was closed meanwhile. */
const targetOf = (descriptor: string): string | undefined => {
  try {
    return readlinkSync(descriptor);
  } catch {
    return undefined;
  }
};

test('a line has what the specification asks for', async () => {
  const path = join(folder, 'log', 'audit.log');
  await open(path).record(karl, create, async () => {});
  expect(read(path)).toEqual([
    {
      timestamp: expect.stringMatching(/Z$/),
      user: 'karl',
      uid: 1000,
      action: 'container.create',
      resource: 'web',
      result: 'success',
    },
  ]);
});

test.each([
  ['PERMISSION', 'refused'],
  ['NOT_FOUND', 'failure'],
] as const)('an attempt that ends with %s is written as %s, and the error goes on', async (code, result) => {
  const path = join(folder, 'audit.log');
  const attempt = open(path).record(karl, create, async () => {
    throw new VoltError(code, 'no');
  });
  await expect(attempt).rejects.toMatchObject({ code });
  expect(read(path)).toMatchObject([{ result, code }]);
});

test('lines that come together open the file once', async () => {
  const path = join(folder, 'audit.log');
  const trail = open(path);
  await Promise.all(Array.from({ length: 50 }, () => trail.record(karl, create, async () => {})));
  expect(read(path)).toHaveLength(50);
  const descriptors = readdirSync('/proc/self/fd').filter((fd) => targetOf(`/proc/self/fd/${fd}`) === path);
  expect(descriptors).toHaveLength(1);
});

test('what changes nothing leaves no line', async () => {
  const path = join(folder, 'audit.log');
  await open(path).record(karl, { ...create, action: 'none' }, async () => {});
  expect(() => readFileSync(path)).toThrow();
});

test('a thousand at once are all there, each whole', async () => {
  const path = join(folder, 'audit.log');
  const trail = open(path);
  const names = Array.from({ length: 1000 }, (_, n) => `c${n}`);
  await Promise.all(names.map((resource) => trail.record(karl, { ...create, resource }, async () => {})));
  expect(new Set(read(path).map((line) => (line as { resource: string }).resource)).size).toBe(1000);
});

test('after a rotation the next line goes to a new file', async () => {
  const path = join(folder, 'audit.log');
  const trail = open(path);
  await trail.record(karl, create, async () => {});
  renameSync(path, `${path}.1`);
  await trail.close();
  await trail.record(karl, create, async () => {});
  expect([read(path).length, read(`${path}.1`).length]).toEqual([1, 1]);
});

test('when the trail cannot be written, nothing is changed', async () => {
  writeFileSync(join(folder, 'file'), '');
  let done = false;
  const attempt = open(join(folder, 'file', 'audit.log')).record(karl, create, async () => {
    done = true;
  });
  await expect(attempt).rejects.toMatchObject({ code: 'RESOURCE' });
  expect(done).toBe(false);
});
