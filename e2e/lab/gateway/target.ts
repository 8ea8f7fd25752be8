/**
 * How each connection between the gateway's halves opens: the outside half
 * sends one line, which node and port it is for; the inside half answers with
 * one byte once it is connected, or hangs up.
 */
import { nodeAddress, nodeIndex, nodeName } from '../settings.ts';

/** 'node64 65535' and the line's end. */
export const TARGET_BYTES_MAX = 16;

export const CONNECTED = '+';

export interface Target {
  readonly address: string;
  readonly port: number;
}

export function writeTarget(index: number, port: number): string {
  return `${nodeName(index)} ${port}\n`;
}

/** Undefined unless it names a node and a port. */
export function readTarget(line: string): Target | undefined {
  const [, name = '', digits] = /^(node[0-9]{1,2}) ([1-9][0-9]{0,4})$/.exec(line) ?? [];
  const index = nodeIndex(name);
  const port = Number(digits);
  return index === undefined || port > 65535 ? undefined : { address: nodeAddress(index), port };
}
