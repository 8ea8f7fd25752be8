import { expect, test } from 'vitest';
import { processFacts } from './processes.ts';

const status = 'Name:\tsh\nPPid:\t90\nUid:\t655360\t655360\t655360\t655360\nNSpid:\t100\t7\nVmRSS:\t  128 kB\n';
/** Fields 14 and 15 are the ticks it ran; its name may hold anything. */
const stat = `100 (a) b) S ${Array.from({ length: 10 }, () => 0).join(' ')} 150 50 0`;

test('a process as the kernel tells it', () =>
  expect(processFacts({ pid: 100, status, stat, commandLine: 'sh\0-c\0sleep 1\0' })).toEqual({
    pid: 100,
    parent: 90,
    pidInside: 7,
    user: 655_360,
    state: 'S',
    cpuMillis: 2000,
    memoryBytes: 128 * 1024,
    command: 'sh -c sleep 1',
  }));

test('one without arguments has its name', () =>
  expect(processFacts({ pid: 100, status, stat, commandLine: '' })?.command).toBe('[sh]'));

test('one that has ended in the meantime is none', () =>
  expect(processFacts({ pid: 100, status: '', stat: '', commandLine: '' })).toBeUndefined());
