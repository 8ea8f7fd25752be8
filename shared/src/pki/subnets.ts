/** The cluster's range of container addresses, cut into a /24 for each node. */
import { VoltError } from '../errors/index.ts';

const NODE_PREFIX = 24;
const NODE_SIZE = 256;
/** A range larger than this would hold 65,536 nodes; none is that large. */
const RANGE_PREFIX_MIN = 8;

/** The lowest /24 of the range for which `isTaken` is false; RESOURCE when there is none. */
export function freeSubnet(range: string, isTaken: (subnet: string) => boolean): string {
  const { first, count } = parseRange(range);
  for (let index = 0; index < count; index += 1) {
    const subnet = `${dotted(first + index * NODE_SIZE)}/${NODE_PREFIX}`;
    if (!isTaken(subnet)) return subnet;
  }
  throw new VoltError('RESOURCE', `Every subnet of '${range}' is given away`);
}

/** Whether an address of a node lies among those that its containers would be given. */
export function isInRange(range: string, address: string): boolean {
  const { first, count } = parseRange(range);
  const value = numberOf(address);
  return value >= first && value < first + count * NODE_SIZE;
}

function parseRange(range: string): { first: number; count: number } {
  const [base = '', length = ''] = range.split('/');
  const prefix = Number(length);
  const isUsable = Number.isInteger(prefix) && prefix >= RANGE_PREFIX_MIN && prefix <= NODE_PREFIX;
  if (!isUsable) {
    const hint = 'each node gets a /24 of it, for example 10.1.0.0/16';
    throw new VoltError('USAGE', `The range '${range}' must be a /${RANGE_PREFIX_MIN} to a /${NODE_PREFIX}`, { hint });
  }
  const size = 2 ** (32 - prefix);
  return { first: Math.floor(numberOf(base) / size) * size, count: size / NODE_SIZE };
}

const numberOf = (address: string): number => address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);

const dotted = (value: number): string =>
  [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => Math.floor(value / unit) % 256).join('.');
