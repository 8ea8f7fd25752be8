/** NATS users for tests: an Ed25519 key in NATS's spelling, and the .creds text that holds it. */
import { generateKeyPairSync } from 'node:crypto';

/** From NATS's nkeys: the first five bits say what a key is for. */
const USER_PREFIX = 20 << 3;
const SEED_PREFIX = 18 << 3;
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

export interface TestUser {
  readonly publicKey: string;
  readonly credentials: string;
}

export function makeUser(): TestUser {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { d, x } = privateKey.export({ format: 'jwk' });
  const seedHead = [SEED_PREFIX | (USER_PREFIX >> 5), (USER_PREFIX & 31) << 3];
  const seed = spell(Buffer.concat([Buffer.from(seedHead), Buffer.from(d!, 'base64url')]));
  const publicKey = spell(Buffer.concat([Buffer.from([USER_PREFIX]), Buffer.from(x!, 'base64url')]));
  const part = (name: string, text: string) => `-----BEGIN ${name}-----\n${text}\n------END ${name}------\n`;
  // A server with a plain list of keys does not look at the token.
  return {
    publicKey,
    credentials: `# ${publicKey}\n${part('NATS USER JWT', 'e30.e30.e30')}\n${part('USER NKEY SEED', seed)}`,
  };
}

function spell(bytes: Buffer): string {
  const checksum = Buffer.alloc(2);
  checksum.writeUInt16LE(crc16(bytes));
  let bits = '';
  for (const byte of Buffer.concat([bytes, checksum])) bits += byte.toString(2).padStart(8, '0');
  return bits.replace(/.{1,5}/g, (five) => BASE32[parseInt(five.padEnd(5, '0'), 2)]!);
}

/** CRC-16/XMODEM. */
function crc16(bytes: Buffer): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
