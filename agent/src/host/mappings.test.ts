import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { unchangedMappings } from './mappings.ts';

const entry = (head: string, anonymous = 0): string =>
  `${head}\nSize:  212 kB\nRss:  56 kB\nAnonymous:  ${anonymous} kB\nAnonHugePages:  0 kB\nVmFlags: rd mr mw me\n`;

const ranges = (smaps: string): string[] =>
  unchangedMappings(smaps).map(({ start, bytes }) => `${start.toString(16)}+${bytes.toString(16)}`);

test.each([
  ['code', '0082e000-03489000 r-xp 0042e000 fe:00 16062  /usr/local/bin/volt', '82e000+2c5b000'],
  ['constants', '00400000-00401000 r--p 00000000 fe:00 16062  /usr/local/bin/volt', '400000+1000'],
  ['high up', '7ffff7dd5000-7ffff7dd6000 r-xp 0 fe:00 16062  /usr/lib/libc.so.6', '7ffff7dd5000+1000'],
  ['a file that is gone', '7f00-8f00 r-xp 0 00:01 198  /memfd:blake.node (deleted)', '7f00+1000'],
])('%s can be read from the file again', (_what, head, range) => expect(ranges(entry(head))).toEqual([range]));

test.each([
  ['data', '072dc000-0735a000 rw-p 06edc000 fe:00 16062  /usr/local/bin/volt', 0],
  ['constants that the loader has filled in', '072a7000-072dc000 r--p 06ea7000 fe:00 16062  /usr/local/bin/volt', 24],
  ['code with a breakpoint in it', '0082e000-03489000 r-xp 0042e000 fe:00 16062  /usr/local/bin/volt', 4],
  ['memory of no file', '7f8aa7500000-7f8aa7715000 r--p 00000000 00:00 0 ', 0],
  ['code made at run time', '7f8a8778-7f8aa750 rwxp 00000000 00:00 0 ', 0],
  ['what others write to', '7f8a8778-7f8aa750 r--s 00000000 fe:00 16062  /var/lib/shared', 0],
  ['the heap', '4e704000-4ee32000 r--p 00000000 00:00 0  [heap]', 0],
])('%s cannot', (_what, head, anonymous) => expect(ranges(entry(head, anonymous))).toEqual([]));

test('each mapping is judged by its own lines', () => {
  const clean = entry('1000-2000 r-xp 0 fe:00 1  /bin/a');
  const changed = entry('2000-3000 r--p 0 fe:00 1  /bin/a', 4);
  expect(ranges(clean + changed + entry('4000-5000 r--p 0 fe:00 1  /bin/a'))).toEqual(['1000+1000', '4000+1000']);
});

test('an entry without the number is left alone', () =>
  expect(ranges('1000-2000 r-xp 0 fe:00 1  /bin/a\nRss: 4 kB\n')).toEqual([]));

test('of a real process, its program is among them', () => {
  expect(unchangedMappings(readFileSync('/proc/self/smaps', 'latin1')).length).toBeGreaterThan(0);
});
