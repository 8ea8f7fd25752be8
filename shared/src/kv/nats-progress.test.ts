import type { StreamInfo } from '@nats-io/jetstream';
import { expect, test } from 'vitest';
import { Progress } from './nats-progress.ts';

const at = (last_seq: number) => ({ state: { last_seq } }) as StreamInfo;

test('a bucket on disk never goes back in time', () => {
  const progress = new Progress();
  progress.check('assignments', at(7));
  progress.check('assignments', at(7));
  expect(() => progress.check('assignments', at(6))).toThrow(/older state/);
  progress.check('assignments', at(8));
});

test('a bucket in memory may begin anew', () => {
  const progress = new Progress();
  progress.check('heartbeats', at(7));
  progress.check('heartbeats', at(1));
});
