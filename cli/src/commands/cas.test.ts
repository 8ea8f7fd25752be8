/** Commands of the store that print in a way of their own, or end badly with a report. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { temporaryFolder, volt, type Answer } from '../run/testing.ts';
import { FakeTerminal } from '../terminal/testing.ts';

const digest = 'ab'.repeat(32);
const sound = { objects: 5, sizeBytes: 2048, damaged: 0, missing: 0, damage: [], damagedRefs: [] };
const hurts = [
  { ref: 'images/web:latest', path: '/bin/sh' },
  { ref: 'images/web:latest', path: '/bin/bash' },
];

describe('cas verify', () => {
  const verify = (result: object, words = 'cas verify') => volt(words, { answers: { 'cas.verify': () => result } });

  test('of a sound store ends well', async () => {
    const { code, stdout } = await verify(sound);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining('5        2 KiB  0        0') as string,
    });
  });

  test('names each damaged object and whom it hurts, and exits 10 with what to do', async () => {
    const bad = { ...sound, damaged: 1, damage: [{ digest, state: 'damaged', hurts }] };
    const { code, stdout, stderr } = await verify(bad);
    expect(code).toBe(10);
    expect(stdout).toContain(`${digest}  damaged  images/web:latest → /bin/sh and 1 more`);
    expect(stderr).toBe('error: 1 object is damaged or missing\nhint: volt cas repair\n');
  });

  test('with ndjson progress and result are a line each', async () => {
    const answer: Answer = async (_asked, { emit }) => {
      await emit({ line: 'Checking', done: 1, total: 2 });
      return sound;
    };
    const { stdout } = await volt('cas verify -o ndjson', { answers: { 'cas.verify': answer } });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ).toEqual([{ line: 'Checking', done: 1, total: 2 }, sound]);
  });

  test('a damaged name is an error too', async () => {
    const { code, stderr } = await verify({ ...sound, damagedRefs: ['images/web:1'] });
    expect({ code, stderr }).toEqual({ code: 10, stderr: expect.stringContaining('images/web:1') as string });
  });
});

describe('cas repair', () => {
  test('that leaves something exits 10 and says why', async () => {
    const damage = [{ digest, state: 'missing', hurts }];
    const result = { checked: 5, healed: 0, lowerFiles: 0, damage, unhealed: 1, reason: 'nobody has it' };
    const { code, stdout, stderr } = await volt('cas repair', { answers: { 'cas.repair': () => result } });
    expect(code).toBe(10);
    expect(stdout).toContain(`${digest}  missing`);
    expect(stderr).toContain('1 object is not healed: nobody has it');
  });

  test('takes digests', async () => {
    const result = { checked: 1, healed: 1, lowerFiles: 0, damage: [], unhealed: 0, reason: null };
    const { code, asked } = await volt(`cas repair ${digest}`, { answers: { 'cas.repair': () => result } });
    expect(code).toBe(0);
    expect(asked[0]?.params).toEqual({ digests: [digest] });
    expect(await volt('cas repair web', { answers: {} })).toMatchObject({ code: 2, asked: [] });
  });
});

describe('cas get and put', () => {
  test('bytes come out as they are', async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 200]);
    const answer: Answer = async (_asked, { emit }) => {
      await emit({ data: bytes.subarray(0, 2).toString('base64') });
      await emit({ data: bytes.subarray(2).toString('base64') });
      return { digest, sizeBytes: 5 };
    };
    const terminal = new FakeTerminal();
    await volt('cas get web', { answers: { 'cas.get': answer }, terminal });
    expect(terminal.stdout.bytes).toEqual(bytes);
  });

  const count: Answer = async (_asked, { input }) => {
    let sizeBytes = 0;
    for await (const frame of input as AsyncIterable<{ kind: string; data: string }>) {
      if (frame.kind === 'eof') return { digest, sizeBytes };
      sizeBytes += Buffer.from(frame.data, 'base64').length;
    }
    throw new Error('cut short');
  };

  test('a file goes in whole, and its end is told', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, new Uint8Array(500_000));
    const { stdout, stderr } = await volt(`cas put ${file} -o json`, { answers: { 'cas.put': count } });
    expect(JSON.parse(stdout)).toEqual({ digest, sizeBytes: 500_000 });
    expect(stderr).toContain(`volt cas pin ${digest.slice(0, 12)}`);
  });

  test('what is pinned needs no advice', async () => {
    const terminal = new FakeTerminal({ input: 'abc' });
    const { stderr, asked } = await volt('cas put --pin', { answers: { 'cas.put': count }, terminal });
    expect({ stderr, pin: asked[0]?.params['pin'] }).toEqual({ stderr: '', pin: true });
  });
});

test('cas build makes the path absolute', async () => {
  const built = { name: 'site:latest', digest, files: 1, sizeBytes: 1 };
  const { asked } = await volt('cas build site', { answers: { 'cas.build': () => built } });
  expect(asked[0]?.params).toEqual({ path: join(process.cwd(), 'site') });
});

const row = {
  ...{ path: '/bin/su', type: 'file', mode: '-rwsr-xr-x', uid: 0, gid: 42, sizeBytes: 48_536 },
  ...{ modifiedAt: '2025-12-31T23:59:58.000Z', target: null, digest },
};

const emitting =
  (...events: object[]): Answer =>
  async (_asked, { emit }) => {
    for (const event of events) await emit(event);
    return {};
  };

test('cas ls prints as ls does', async () => {
  const link = {
    ...row,
    path: '/bin/sh',
    type: 'symlink',
    mode: 'lrwxrwxrwx',
    gid: 0,
    sizeBytes: null,
    target: 'bash',
  };
  const answers = { 'cas.ls': emitting(row, link) };
  expect((await volt('cas ls web /bin', { answers })).stdout).toBe(
    '-rwsr-xr-x     0    42       48536 2025-12-31 23:59 /bin/su\n' +
      'lrwxrwxrwx     0     0           - 2025-12-31 23:59 /bin/sh -> bash\n',
  );
  expect((await volt('cas ls web /bin -o name', { answers })).stdout).toBe('/bin/su\n/bin/sh\n');
  expect((await volt('cas ls web /bin -o ndjson', { answers })).stdout).toBe(
    `${JSON.stringify(row)}\n${JSON.stringify(link)}\n`,
  );
});

test('cas diff prints a line for each path', async () => {
  const answers = {
    'cas.diff': emitting(
      { change: 'added', path: '/a', what: [] },
      { change: 'changed', path: '/b', what: ['content', 'mode'] },
      { change: 'removed', path: '/c', what: [] },
    ),
  };
  expect((await volt('cas diff web:1 web:2', { answers })).stdout).toBe('+ /a\n~ /b (content, mode)\n- /c\n');
});

test('cas dedup sums up', async () => {
  const ref = { ref: 'images/web:1', sizeBytes: 4096, ownBytes: 1024, sharedBytes: 1024, savedBytes: 3072 };
  const result = { refs: [ref], sizeBytes: 4096, storedBytes: 2048, savedBytes: 2048, ratio: 2 };
  const { stdout, stderr } = await volt('cas dedup', { answers: { 'cas.dedup': () => result } });
  expect(stdout).toContain('images/web:1  4 KiB  1 KiB');
  expect(stderr).toBe('4 KiB laid out, 2 KiB stored, 2 KiB saved: 2 to 1\n');
});
