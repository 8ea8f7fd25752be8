/** Volumes on the command line: archives in and out, and what is asked before anything is pruned. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

const summary = { name: 'data', labels: {}, isAnonymous: false, usedBy: ['web'], createdAt: '2026-01-01T00:00:00Z' };

const send: Answer = async (_request, { emit }) => {
  for (const text of ['arch', 'ive']) await emit({ data: Buffer.from(text).toString('base64') });
  return { sizeBytes: 7 };
};

describe('export', () => {
  const answers = { 'volume.export': send };

  test('goes to a pipe or a file, and to no terminal', async () => {
    expect((await volt('volume export data', { answers })).stdout).toBe('archive');
    const path = join(temporaryFolder(), 'data.tar');
    expect(await volt(['volume', 'export', 'data', '-f', path], { answers })).toMatchObject({ code: 0, stdout: '' });
    expect(readFileSync(path, 'utf8')).toBe('archive');
    const terminal = new FakeTerminal({ columns: 80 });
    expect(await volt('volume export data', { answers, terminal })).toMatchObject({ code: 2, asked: [] });
  });
});

describe('import', () => {
  test('sends what is on standard input or in a file, with what the volume is made with', async () => {
    let received = '';
    const take: Answer = async (_request, { emit, input }) => {
      for await (const frame of input as AsyncIterable<{ kind: string; data?: string }>) {
        received += Buffer.from(frame.data ?? '', 'base64').toString();
      }
      await emit({ line: 'Unpacking', done: 1 });
      return summary;
    };
    const answers = { 'volume.import': take };
    const terminal = new FakeTerminal({ input: 'piped' });
    const { code, stdout, asked } = await volt('volume import data --size 1G -l app=shop', { answers, terminal });
    expect({ code, received }).toEqual({ code: 0, received: 'piped' });
    expect(stdout).toContain('data');
    expect(asked[0]?.params).toEqual({ name: 'data', size: '1G', labels: { app: 'shop' } });
    const path = join(temporaryFolder(), 'data.tar');
    writeFileSync(path, ' and a file');
    await volt(['volume', 'import', 'data', path], { answers });
    expect(received).toBe('piped and a file');
    const absent = await volt('volume import data /nonexistent.tar', { answers });
    expect(absent).toMatchObject({ code: 3, asked: [] });
  });
});

describe('prune', () => {
  const idle = ['a', 'b'].map((name) => ({ name, sizeBytes: 1536 * 1024, createdAt: summary.createdAt }));
  const answers = { 'volume.prune': () => idle, 'volume.delete': () => ({ name: 'a', deleted: true }) };

  test('tells a person how much goes, and deletes what was agreed to', async () => {
    const terminal = new FakeTerminal({ input: 'y\n', columns: 80 });
    const { code, stderr, asked } = await volt('volume prune', { answers, terminal });
    expect(code).toBe(0);
    expect(stderr).toContain('Delete a, b: 3 MiB of files? [y/N]');
    expect(asked.map(({ method, params }) => [method, params])).toEqual([
      ['volume.prune', { dryRun: true }],
      ['volume.delete', { name: 'a' }],
      ['volume.delete', { name: 'b' }],
    ]);
  });

  test('deletes nothing without a yes, and does not ask where nobody is', async () => {
    const terminal = new FakeTerminal({ input: '\n', columns: 80 });
    expect(await volt('volume prune', { answers, terminal })).toMatchObject({ code: 13, asked: [{}] });
    expect((await volt('volume prune', { answers })).code).toBe(2);
    expect((await volt('volume prune --yes', { answers })).asked[0]?.params).toEqual({ dryRun: false });
  });
});
