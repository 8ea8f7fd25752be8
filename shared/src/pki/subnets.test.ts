import fc from 'fast-check';
import { expect, test } from 'vitest';
import { freeSubnet, isInRange } from './subnets.ts';

test.each([
  ['10.1.0.0/16', [], '10.1.0.0/24'],
  ['10.1.0.0/16', ['10.1.0.0/24', '10.1.2.0/24'], '10.1.1.0/24'],
  ['10.1.7.9/16', [], '10.1.0.0/24'],
  ['192.168.4.0/24', [], '192.168.4.0/24'],
  ['255.255.0.0/16', [], '255.255.0.0/24'],
])('%s without %j gives %s', (range, taken, expected) => {
  expect(freeSubnet(range, (subnet) => taken.includes(subnet))).toBe(expected);
});

test('a range that is given away is RESOURCE', () => {
  expect(() => freeSubnet('10.1.0.0/22', () => true)).toThrow(expect.objectContaining({ code: 'RESOURCE' }) as Error);
});

test.each(['10.1.0.0/25', '10.1.0.0/4', '10.1.0.0', '10.1.0.0/x'])('%s is no range', (range) => {
  expect(() => freeSubnet(range, () => false)).toThrow(expect.objectContaining({ code: 'USAGE' }) as Error);
});

test('every subnet is given once, and lies in the range', () => {
  const ranges = fc.record({ a: fc.nat(255), b: fc.nat(255), prefix: fc.integer({ min: 18, max: 24 }) });
  fc.assert(
    fc.property(ranges, ({ a, b, prefix }) => {
      const range = `${a}.${b}.128.0/${prefix}`;
      const given = new Set<string>();
      for (let count = 0; count < 2 ** (24 - prefix); count += 1) {
        const subnet = freeSubnet(range, (candidate) => given.has(candidate));
        expect(isInRange(range, subnet.split('/')[0]!)).toBe(true);
        given.add(subnet);
      }
      expect(given.size).toBe(2 ** (24 - prefix));
      expect(() => freeSubnet(range, (candidate) => given.has(candidate))).toThrow('given away');
    }),
  );
});
