import { expect, test } from 'vitest';
import fc from 'fast-check';
import { Limits } from '@volt/shared/model';
import { checkLimits, cpuMask, limitProperties, rlimitArguments, unenforced, withLimits } from './limits.ts';
import { spec } from './testing.ts';

const lines = (limits: Limits) => limitProperties(Limits.parse(limits), '/disk').map(({ line }) => line);
const values = (limits: Limits) => limitProperties(limits, '/disk').map(({ name, value }) => [name, value]);
const check = (limits: Limits, ...expected: string[]) => expect(lines(limits)).toEqual(expected);

test('memory', () => check({ memory: '1G' }, 'MemoryMax=1073741824'));
test('memory without swap', () =>
  check({ memory: '512M', memorySwap: '512M' }, 'MemoryMax=536870912', 'MemorySwapMax=0'));
test('memory with a quarter of swap', () =>
  check({ memory: '512MiB', memorySwap: '640MiB' }, 'MemoryMax=536870912', 'MemorySwapMax=134217728'));
test('two processors, as hundredths', () => check({ cpu: 200 }, 'CPUQuota=200%'));
test('a part of one', () => check({ cpus: 0.25 }, 'CPUQuota=25%'));
test('which processors', () => check({ cpuset: '0-1,3' }, 'AllowedCPUs=0-1,3'));
test('processes', () => check({ pids: 64 }, 'TasksMax=64'));
test('the disk', () =>
  check(
    { ioWeight: 50, ioReadBps: '10M', ioWriteIops: 100 },
    'IOWeight=50',
    'IOReadBandwidthMax=/disk 10485760',
    'IOWriteIOPSMax=/disk 100',
  ));
test('nothing is limited that nobody limits', () => check({}));
test('limits are taken away', () =>
  check(
    { memory: 'max', memorySwap: 'max', cpu: 0, cpuset: 'max', ioReadBps: 'max', pids: 0 },
    'MemoryMax=infinity',
    'MemorySwapMax=infinity',
    'CPUQuota=',
    'AllowedCPUs=',
    'IOReadBandwidthMax=',
    'TasksMax=infinity',
  ));

test('the same for a unit that runs', () => {
  expect(values({ memory: '16M', cpus: 1.5, ioReadBps: '1M' })).toEqual([
    ['MemoryMax', 16_777_216n],
    ['CPUQuotaPerSecUSec', 1_500_000n],
    ['IOReadBandwidthMax', [['/disk', 1_048_576n]]],
  ]);
  expect(values({ memory: 'max', ioReadBps: 'max' })).toEqual([
    ['MemoryMax', 2n ** 64n - 1n],
    ['IOReadBandwidthMax', []],
  ]);
});

test('what cannot be meant is refused', () => {
  expect(() => lines({ memory: '1M' })).toThrow('too little memory');
  expect(() => lines({ cpu: 100, cpus: 1 })).toThrow('give one of them');
  expect(() => lines({ memory: '1G', memorySwap: '512M' })).toThrow('cannot be less');
  expect(() => lines({ memorySwap: '512M' })).toThrow('cannot be less');
  expect(() => lines({ cpuset: '3-1' })).toThrow('no range');
  expect(() => checkLimits({ ulimits: ['nofile=20:10'] })).toThrow('must not be less');
  expect(Limits.safeParse({ ulimits: ['nofile=x'] }).success).toBe(false);
});

test('every processor of a set has its bit, and no other', () => {
  const processors = fc.uniqueArray(fc.integer({ min: 0, max: 300 }), { minLength: 1 });
  fc.assert(
    fc.property(processors, (numbers) => {
      const mask = cpuMask(numbers.join(','));
      const set = Array.from({ length: mask.length * 8 }, (_, bit) => bit).filter(
        (bit) => (mask[bit >> 3]! & (1 << (bit & 7))) !== 0,
      );
      expect(set).toEqual(numbers.toSorted((a, b) => a - b));
    }),
  );
});

test('limits of each process are nspawn’s', () =>
  expect(rlimitArguments({ ulimits: ['nofile=1024:4096', 'core=unlimited'] })).toEqual([
    '--rlimit=RLIMIT_NOFILE=1024:4096',
    '--rlimit=RLIMIT_CORE=infinity',
  ]));

test('what a machine does not count is told, and nothing else', () => {
  const asked = { memory: '1G', cpus: 1, pids: 5 };
  expect(unenforced(asked, new Set(['cpu', 'memory', 'pids']))).toEqual([]);
  expect(unenforced({ memory: 'max', cpus: 0, cpuset: 'max', pids: 0, ioReadBps: 'max' }, new Set())).toEqual([]);
  expect(unenforced(asked, new Set(['cpu']))).toEqual([
    "'--memory': its control groups do not count memory",
    "'--pids': its control groups do not count pids",
  ]);
});

test('a change leaves what it does not name, and of two ways to say it the later one holds', () => {
  const before = spec('web', { memory: '1G', cpu: 200 });
  expect(withLimits(before, { pids: 5 })).toEqual({ ...before, pids: 5 });
  expect(withLimits(before, { cpus: 1 })).toEqual(spec('web', { memory: '1G', cpus: 1 }));
});
