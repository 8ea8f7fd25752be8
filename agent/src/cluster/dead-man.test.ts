import { execFile } from 'node:child_process';
import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { uptime, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { MemoryFiles } from '../host/testing.ts';
import { createDeadMan } from './dead-man.ts';
import { DEAD_MAN_SCRIPT_PATH, DEAD_MAN_UNIT, MARKS_PATH, renderDeadManScript, UNTIL_PATH } from './dead-man-unit.ts';

const { signal } = new AbortController();

async function node() {
  const files = new MemoryFiles();
  for (const path of ['/etc/systemd/system', '/usr/local/lib/volt', '/run/volt']) {
    await files.makeFolder(path, { mode: 0o755 });
  }
  const done: string[] = [];
  const write = files.write.bind(files);
  files.write = async (path, ...rest) => {
    done.push(path);
    await write(path, ...rest);
  };
  const systemd = {
    start: vi.fn<(unit: string) => Promise<void>>(async (unit) => void done.push(`start ${unit}`)),
    stop: vi.fn<() => Promise<void>>(async () => {}),
    refresh: vi.fn<() => Promise<void>>(async () => {}),
  };
  return { files, systemd, done, deadMan: createDeadMan({ files, systemd }) };
}

describe('the switch of a node', () => {
  test('costs nothing as long as nothing is exclusive', async () => {
    const { deadMan, done } = await node();
    await deadMan.renewed(60_000);
    await deadMan.release('web-0');
    expect(done).toEqual([]);
  });

  test('has its time, and runs, before an instance is marked', async () => {
    const { deadMan, files, done } = await node();
    await deadMan.renewed(60_000);
    await deadMan.guard('solo-0', signal);
    const [until, start, mark] = [UNTIL_PATH, `start ${DEAD_MAN_UNIT}`, `${MARKS_PATH}/solo-0`].map((what) =>
      done.indexOf(what),
    );
    expect([until! >= 0, until! < start!, start! < mark!]).toEqual([true, true, true]);
    // 15 s after the renewal was asked for, in hundredths.
    expect(await files.read(UNTIL_PATH)).toBe('7500\n');
    await deadMan.renewed(62_000);
    expect(await files.read(UNTIL_PATH)).toBe('7700\n');
  });

  test('that does not run lets nothing exclusive begin', async () => {
    const { deadMan, systemd, files } = await node();
    systemd.start.mockRejectedValueOnce(new Error('no such program'));
    await expect(deadMan.guard('solo-0', signal)).rejects.toThrow('no such program');
    expect(await files.exists(`${MARKS_PATH}/solo-0`)).toBe(false);
    await deadMan.guard('solo-0', signal);
    expect(await files.exists(`${MARKS_PATH}/solo-0`)).toBe(true);
  });

  test('is set for what an earlier run has started with the first renewal, and not before', async () => {
    const { deadMan, files } = await node();
    deadMan.adopt('solo-0');
    expect(await files.exists(UNTIL_PATH)).toBe(false);
    await deadMan.renewed(60_000);
    expect(await files.read(UNTIL_PATH)).toBe('7500\n');
    expect(await files.exists(`${MARKS_PATH}/solo-0`)).toBe(true);
  });

  test('ends nothing that merely has the name of what an agent that was killed has left', async () => {
    const { deadMan, files, systemd } = await node();
    await deadMan.guard('solo-0', signal);
    await deadMan.guard('solo-1', signal);
    const next = createDeadMan({ files, systemd });
    next.adopt('solo-1');
    await next.renewed(60_000);
    expect(await files.list(MARKS_PATH)).toEqual(['solo-1']);
    await createDeadMan({ files, systemd }).release('solo-1');
    expect(await files.list(MARKS_PATH)).toEqual([]);
  });

  test('forgets what is gone, and all with the cluster', async () => {
    const { deadMan, files, systemd } = await node();
    await deadMan.forget();
    expect(systemd.stop).not.toHaveBeenCalled();
    await deadMan.guard('solo-0', signal);
    await deadMan.release('solo-0');
    expect(await files.exists(`${MARKS_PATH}/solo-0`)).toBe(false);
    await deadMan.forget();
    expect(systemd.stop).toHaveBeenCalled();
    expect(await files.exists(MARKS_PATH)).toBe(false);
    expect(await files.exists(DEAD_MAN_SCRIPT_PATH)).toBe(true);
  });
});

describe('its program', () => {
  const folders: string[] = [];
  const runs: AbortController[] = [];
  afterEach(async () => {
    for (const run of runs.splice(0)) run.abort();
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  });

  /** Runs it on a folder instead of /run, with a systemctl that writes down what it is asked. */
  async function program(untilText: string | undefined, marks: readonly string[]): Promise<() => Promise<string>> {
    const folder = await mkdtemp(join(tmpdir(), 'volt-dead-man-'));
    folders.push(folder);
    await mkdir(join(folder, 'marks'));
    for (const mark of marks) await writeFile(join(folder, 'marks', mark), '');
    if (untilText !== undefined) await writeFile(join(folder, 'until'), untilText);
    await writeFile(join(folder, 'systemctl'), `#!/bin/sh\necho "$@" >> ${folder}/asked\n`, { mode: 0o755 });
    await writeFile(join(folder, 'sleep'), '#!/bin/sh\nexec /bin/sleep 0.01\n', { mode: 0o755 });
    const text = renderDeadManScript()
      .replace(UNTIL_PATH, join(folder, 'until'))
      .replace(MARKS_PATH, join(folder, 'marks'))
      .replace('PATH=', `PATH=${folder}:`);
    await writeFile(join(folder, 'program'), text, { mode: 0o755 });
    const run = new AbortController();
    runs.push(run);
    execFile(join(folder, 'program'), { signal: run.signal }, () => {});
    return () => readFile(join(folder, 'asked'), 'utf8').catch(() => '');
  }

  const inSeconds = (seconds: number) => `${Math.floor((uptime() + seconds) * 100)}\n`;
  const ENDED =
    'stop --no-block volt-container@solo-0.service volt-container@solo-1.service\n' +
    'kill --signal=KILL volt-container@solo-0.service volt-container@solo-1.service\n';

  test.each([
    ['the lease ran out', inSeconds(-1)],
    ['there is no lease', undefined],
    ['what it says cannot be read', 'soon\n'],
    ['it is empty', ''],
  ])('asks, then ends what is exclusive when %s', async (_what, text) => {
    const asked = await program(text, ['solo-0', 'solo-1']);
    await expect.poll(asked).toContain(ENDED);
  });

  test('waits for the moment', async () => {
    const asked = await program(inSeconds(0.5), ['solo-0', 'solo-1']);
    expect(await asked()).toBe('');
    await expect.poll(asked, { timeout: 5000 }).toContain(ENDED);
  });

  test('leaves everything else alone', async () => {
    const asked = await program(inSeconds(-1), []);
    const other = await program(inSeconds(-1), ['solo-0']);
    await expect.poll(other).toContain('solo-0');
    expect(await asked()).toBe('');
  });
});
