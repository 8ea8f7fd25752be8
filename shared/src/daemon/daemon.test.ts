import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDaemon } from './index.ts';

/** A daemon with files of its own. Signals are emitted, not sent: the test's own process must go on. */
function start(settingsText = '') {
  const folder = mkdtempSync(join(tmpdir(), 'volt-daemon-'));
  const file = (name: string) => join(folder, name);
  writeFileSync(file('config.yaml'), settingsText);
  const daemon = openDaemon({ log: file('daemon.log'), audit: file('audit.log'), settings: file('config.yaml') });
  onTestFinished(async () => {
    await daemon.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const sentences = (name = 'daemon.log') =>
    readFileSync(file(name), 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => (JSON.parse(line) as { msg: string }).msg);
  return { ...daemon, file, sentences };
}

test.each(['SIGTERM', 'SIGINT'] as const)('%s stops it', async (signal) => {
  const { stop, stopped } = start();
  process.emit(signal);
  await stopped;
  expect(stop.signal.aborted).toBe(true);
});

test('SIGHUP reads the settings: the level holds at once, the rest is said to wait', () => {
  const { log, file, sentences, settings } = start('log.level: error');
  log.info({}, 'unheard');
  writeFileSync(file('config.yaml'), 'log.level: info\nagent.port: 9000');
  process.emit('SIGHUP');
  log.info({}, 'heard');
  expect(sentences()).toEqual(['These settings hold from the next start', 'heard']);
  expect(settings['agent.port']).toBe(7443);
});

test('SIGHUP with wrong settings changes nothing', () => {
  const { log, file, sentences } = start('log.level: error');
  writeFileSync(file('config.yaml'), 'log.level: loud');
  process.emit('SIGHUP');
  log.info({}, 'unheard');
  expect(sentences()).toEqual(['The settings are wrong; the old ones stay']);
});

test('SIGUSR2 lets go of files that were renamed', async () => {
  const { log, audit, file, sentences } = start();
  const attempt = { method: 'door.open', action: 'door.open', resource: 'x' };
  const open = () => audit.record({ name: 'test', uid: 0, roles: ['admin'] }, attempt, async () => {});
  log.info({}, 'before');
  await open();
  renameSync(file('daemon.log'), file('daemon.log.1'));
  renameSync(file('audit.log'), file('audit.log.1'));
  process.emit('SIGUSR2');
  await audit.close();
  log.info({}, 'after');
  await open();
  expect(sentences('daemon.log.1')).toEqual(['before']);
  expect(sentences()).toEqual(['after']);
  expect(readFileSync(file('audit.log.1'), 'utf8').split('\n')).toHaveLength(2);
  expect(readFileSync(file('audit.log'), 'utf8').split('\n')).toHaveLength(2);
});

test('SIGUSR1 tells of the calls under way', async () => {
  const { pending, file } = start();
  const { promise, resolve } = Promise.withResolvers<void>();
  const call = pending.track({ method: 'slow.call', caller: 'test', since: 0 }, () => promise);
  process.emit('SIGUSR1');
  expect(readFileSync(file('daemon.log'), 'utf8')).toContain('slow.call');
  resolve();
  await call;
});

test('wrong settings at the start are INVALID_CONFIG', () => {
  expect(() => start('no.such: setting')).toThrow("there is no setting 'no.such'");
});

test('a closed one listens to no signal', async () => {
  const before = process.listenerCount('SIGTERM');
  const daemon = start();
  expect(process.listenerCount('SIGTERM')).toBe(before + 1);
  await daemon.close();
  expect(process.listenerCount('SIGTERM')).toBe(before);
});
