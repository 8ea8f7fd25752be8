import { expect, test } from 'vitest';
import { aWorkload, FakeKv, FakeKvStore, SimClock } from '@volt/shared/kv/testing';
import { patientKv } from './patient-kv.ts';

function patient() {
  const clock = new SimClock();
  const line = new FakeKv(new FakeKvStore());
  return { clock, line, kv: patientKv(line, clock) };
}

test('a call waits while the cluster elects a leader', async () => {
  const { clock, line, kv } = patient();
  line.isAway = true;
  const reading = kv.list('workloads');
  await clock.advance(8000);
  line.isAway = false;
  await clock.advance(1000);
  expect(await reading).toEqual([]);
});

test('a cluster that stays away is told of in the end', async () => {
  const { clock, line, kv } = patient();
  line.isAway = true;
  const reading = kv.list('workloads').catch((thrown: unknown) => thrown);
  await clock.advance(20_000);
  expect(await reading).toMatchObject({ code: 'NETWORK' });
});

test('a write whose answer was lost is not taken for somebody else’s', async () => {
  const { clock, line, kv } = patient();
  line.losesAnswers = true;
  const writing = kv.create('workloads', 'web', aWorkload('web'));
  await clock.advance(0);
  line.losesAnswers = false;
  await clock.advance(1000);
  expect(await writing).toBe((await line.get('workloads', 'web'))?.revision);
});

test('a key that somebody else wrote is a conflict, at once', async () => {
  const { line, kv } = patient();
  await line.create('workloads', 'web', aWorkload('web'));
  await expect(kv.create('workloads', 'web', aWorkload('web', { replicas: 7 }))).rejects.toMatchObject({
    code: 'CONFLICT',
  });
});
