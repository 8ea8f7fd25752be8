import fc from 'fast-check';
import { expect, test } from 'vitest';
import { allocate } from './allocate.ts';
import { formatAddress, gatewayOf, hardwareAddress, holds, overlaps, parseAddress, parseSubnet } from './subnet.ts';

const subnets = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 24, max: 30 }))
  .map(([address, prefix]) => ({ base: address - (address % 2 ** (32 - prefix)), prefix }));

test('addresses are given until there are none, each once, none of them special', () => {
  fc.assert(
    fc.property(subnets, fc.array(fc.nat(255)), (subnet, offsets) => {
      const size = 2 ** (32 - subnet.prefix);
      const reserved = new Set(offsets.map((offset) => formatAddress(subnet.base + (offset % size))));
      const used = new Set<string>();
      const free = Array.from({ length: size - 3 }, (_, n) => formatAddress(subnet.base + 2 + n));
      for (const wanted of free.filter((address) => !reserved.has(address))) {
        expect(allocate(subnet, used, reserved)).toBe(wanted);
        used.add(wanted);
      }
      expect(() => allocate(subnet, used, reserved)).toThrow('No address is free');
    }),
  );
});

test('a given-back address is given again', () => {
  const subnet = parseSubnet('10.0.0.0/24');
  expect(allocate(subnet, new Set(['10.0.0.2', '10.0.0.4']), new Set())).toBe('10.0.0.3');
});

test('the gateway is the first address', () => expect(gatewayOf(parseSubnet('10.4.0.0/16'))).toBe('10.4.0.1'));
test('a hardware address follows from the address', () =>
  expect(hardwareAddress('10.0.0.200')).toBe('02:56:0a:00:00:c8'));

test.each(['10.0.0.0', '10.0.0.0/31', '10.0.0.0/7', '10.0.0.256/24', 'x/24', '10.0.0.1/24', '10.0.0.0/24 '])(
  '%s is not a subnet',
  (text) => expect(() => parseSubnet(text)).toThrow('is not a subnet'),
);

test('an address survives being a number', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), (number) => {
      expect(parseAddress(formatAddress(number))).toBe(number);
    }),
  );
});

test('two subnets overlap when they share an address', () => {
  fc.assert(
    fc.property(subnets, subnets, fc.nat(255), (a, b, offset) => {
      const shared = a.base + (offset % 2 ** (32 - a.prefix));
      if (holds(b, shared)) expect(overlaps(a, b)).toBe(true);
      expect(overlaps(a, b)).toBe(overlaps(b, a));
    }),
  );
});
