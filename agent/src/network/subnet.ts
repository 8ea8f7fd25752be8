/** Addresses of a subnet as numbers. Pure. */
import { VoltError } from '@volt/shared/errors';

export interface Subnet {
  /** The first address, as a number. */
  readonly base: number;
  readonly prefix: number;
}

export function parseSubnet(text: string): Subnet {
  const match = /^(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\/(\d{1,2})$/.exec(text);
  const prefix = Number(match?.[2]);
  const address = match === null ? undefined : parseAddress(match[1]!);
  // A container subnet needs a gateway and at least one more; above /8 the counting would not fit.
  if (address === undefined || prefix < 8 || prefix > 30) {
    throw new VoltError('INVALID_CONFIG', `'${text}' is not a subnet such as 10.0.0.0/24`);
  }
  const size = 2 ** (32 - prefix);
  if (address % size !== 0) {
    throw new VoltError(
      'INVALID_CONFIG',
      `'${text}' is not a subnet: it begins at ${formatAddress(address - (address % size))}`,
    );
  }
  return { base: address, prefix };
}

export const formatSubnet = ({ base, prefix }: Subnet): string => `${formatAddress(base)}/${prefix}`;

export function parseAddress(text: string): number | undefined {
  const bytes = text.split('.').map(Number);
  if (bytes.length !== 4 || bytes.some((byte) => !Number.isInteger(byte) || byte < 0 || byte > 255)) return undefined;
  return bytes.reduce((number, byte) => number * 256 + byte, 0);
}

export const formatAddress = (number: number): string =>
  [24, 16, 8, 0].map((shift) => Math.floor(number / 2 ** shift) % 256).join('.');

export const sizeOf = ({ prefix }: Subnet): number => 2 ** (32 - prefix);

export const holds = (subnet: Subnet, address: number): boolean =>
  address >= subnet.base && address < subnet.base + sizeOf(subnet);

export const overlaps = (a: Subnet, b: Subnet): boolean => holds(a, b.base) || holds(b, a.base);

/** The first address is the bridge's own: the containers' way out. */
export const gatewayOf = ({ base }: Subnet): string => formatAddress(base + 1);

/**
 * A hardware address that follows from the network address, so that a
 * container that comes back is found at once by neighbours who remember it.
 */
export function hardwareAddress(address: string): string {
  const bytes = address.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'));
  return ['02', '56', ...bytes].join(':');
}
