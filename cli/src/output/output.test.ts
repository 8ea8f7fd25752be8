import { describe, expect, test } from 'vitest';
import { painter } from '../terminal/index.ts';
import { FakeSink } from '../terminal/testing.ts';
import { age, bytes, cell, header } from './cell.ts';
import { progressOn } from './progress.ts';
import { render } from './render.ts';
import type { View } from './table.ts';

const now = new Date('2026-01-01T12:00:00Z');
const plain: View = { now, paint: (_colour, text) => text, columns: undefined };

const images = [
  {
    name: 'nginx:latest',
    digest: 'a'.repeat(64),
    sizeBytes: 193_000_000,
    files: 4211,
    createdAt: '2026-01-01T11:57:00Z',
  },
  { name: '日本', digest: 'b'.repeat(64), sizeBytes: 0, files: 1, createdAt: '2025-12-30T12:00:00Z' },
];
const shape = { columns: ['name', 'digest', 'sizeBytes', 'createdAt'], wide: ['files'] };

describe('formats', () => {
  test('table', async () => {
    expect(await render(images, shape, 'table', plain)).toMatchInlineSnapshot(`
      "NAME          DIGEST        SIZE     CREATED
      nginx:latest  aaaaaaaaaaaa  184 MiB  3m ago
      日本          bbbbbbbbbbbb  0 B      2d ago
      "
    `);
  });

  test('wide adds columns', async () => {
    expect((await render(images, shape, 'wide', plain)).split('\n')[0]).toMatch(/CREATED {2}FILES$/);
  });

  test('name is one a line', async () => {
    expect(await render(images, shape, 'name', plain)).toBe('nginx:latest\n日本\n');
  });

  test('json is the raw result', async () => {
    expect(JSON.parse(await render(images, shape, 'json', plain))).toEqual(images);
  });

  test('ndjson is one object a line', async () => {
    const lines = (await render(images, shape, 'ndjson', plain)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(images);
  });

  test('yaml', async () => {
    expect(await render({ name: 'web', ports: [80] }, { columns: [] }, 'yaml', plain)).toBe(
      'name: web\nports:\n  - 80\n',
    );
  });

  test('a state says whether what runs works, where that is checked', async () => {
    const rows = [
      { name: 'a', state: 'running', health: 'healthy' },
      { name: 'b', state: 'running', health: 'unknown' },
      { name: 'c', state: 'running' },
    ];
    const colours: string[] = [];
    const paint: View['paint'] = (colour, text) => {
      colours.push(colour);
      return text;
    };
    const text = await render(rows, { columns: ['name', 'state'] }, 'table', { ...plain, paint });
    expect(text).toBe('NAME  STATE\na     running (healthy)\nb     running (health: unknown)\nc     running\n');
    expect(colours).toEqual(['green', 'yellow', 'green']);
    expect(JSON.parse(await render(rows, { columns: ['name', 'state'] }, 'json', plain))).toEqual(rows);
  });

  test('an empty list is nothing', async () => expect(await render([], shape, 'table', plain)).toBe(''));

  test('details of one thing', async () => {
    const value = {
      status: { name: 'web', state: 'running', exitCode: null, createdAt: '2026-01-01T11:57:00Z' },
      config: { command: ['nginx', '-g', 'daemon off;'], env: {}, sizeBytes: 2048, digest: 'a'.repeat(64) },
      memoryMiB: 24_064,
      cpuMillis: 2000,
      peers: [{ node: 'a', roles: ['agent'] }],
    };
    expect(await render(value, { columns: [] }, 'table', plain)).toMatchInlineSnapshot(`
      "status:
        name:      web
        state:     running
        exitCode:  -
        createdAt: 2026-01-01T11:57:00Z (3m ago)
      config:
        command: nginx -g "daemon off;"
        env:     -
        size:    2 KiB
        digest:  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
      memory: 23.5 GiB
      cpu:    2
      peers:
        - node:  a
          roles: agent
      "
    `);
  });

  test('the name of an inspected thing is found in its status', async () => {
    expect(await render({ status: { name: 'web' } }, { columns: [] }, 'name', plain)).toBe('web\n');
  });

  test('what has no name is called by its first value', async () => {
    expect(await render({ join: 'volt1.x', expiresAt: 'later' }, { columns: [] }, 'name', plain)).toBe('volt1.x\n');
  });

  test('names are refused where there are none', async () => {
    await expect(render({ count: 1 }, { columns: [] }, 'name', plain)).rejects.toMatchObject({ code: 'USAGE' });
  });
});

describe('a narrow window', () => {
  const narrow: View = { ...plain, columns: 40 };

  test('cuts the widest column, not the name', async () => {
    const rows = [{ name: 'a-rather-long-name', reason: 'because of something that takes a while to tell' }];
    const text = await render(rows, { columns: ['name', 'reason'] }, 'table', narrow);
    expect(text).toContain('a-rather-long-name  because of somethin…');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(40);
  });

  test('shows one thing as lines rather than cut a token', async () => {
    const join = `volt1.${'x'.repeat(60)}`;
    expect(await render({ join }, { columns: ['join'] }, 'table', narrow)).toBe(`join: ${join}\n`);
  });
});

test('only the words for states are coloured', async () => {
  const view = { ...plain, paint: painter('always', false, {}) };
  const text = await render([{ name: 'failed', state: 'failed' }], { columns: ['name', 'state'] }, 'table', view);
  expect(text).toBe('NAME    STATE\nfailed  \u001B[31mfailed\u001B[0m\n');
});

describe('cells', () => {
  test.each([
    ['sizeBytes', 1536, '1.5 KiB'],
    ['memoryMiB', 2048, '2 GiB'],
    ['cpuMillis', 500, '0.5'],
    ['leader', true, 'yes'],
    ['reason', null, '-'],
    ['roles', ['agent', 'controller'], 'agent,controller'],
    ['name', 'a\u001B[31mb', 'a [31mb'],
  ])('%s %j', (column, value, expected) => expect(cell(column, value, now)).toBe(expected));

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024 * 1024 - 1, '1 MiB'],
    [193_000_000, '184 MiB'],
    [1e15, '909 TiB'],
  ])('%d bytes', (count, expected) => expect(bytes(count)).toBe(expected));

  test.each([
    ['2026-01-01T11:59:58Z', '2s ago'],
    ['2026-01-01T10:30:00Z', '1h ago'],
    ['2026-01-01T12:10:00Z', 'in 10m'],
    ['someday', 'someday'],
  ])('age of %s', (instant, expected) => expect(age(instant, now)).toBe(expected));

  test('headers', () =>
    expect(['name', 'nodesReady', 'cpuMillis'].map(header)).toEqual(['NAME', 'NODES READY', 'CPU']));
});

describe('progress', () => {
  const run = async (columns?: number) => {
    const sink = new FakeSink(columns);
    const progress = progressOn(sink);
    await progress.show({ line: 'Fetching', done: 1, total: 2 });
    await progress.show({ line: 'Fetching', done: 2, total: 2 });
    await progress.show({ line: 'Unpacking' });
    await progress.end();
    return sink.text;
  };

  test('elsewhere a line for each thing that is said', async () => expect(await run()).toBe('Fetching\nUnpacking\n'));
  test('on a terminal one line that is gone at the end', async () => {
    expect(await run(80)).toBe('\r\u001B[KFetching (1 of 2)\r\u001B[KFetching (2 of 2)\r\u001B[KUnpacking\r\u001B[K');
  });
});
