import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { DEFAULT_BINARY } from '../../e2e/lab/index.ts';

const execute = promisify(execFile);

/** Runs the built `volt` on this machine; rejects unless it succeeds. */
export async function runVolt(args: readonly string[]): Promise<string> {
  return (await execute(DEFAULT_BINARY, [...args], { maxBuffer: 16 * 1024 * 1024 })).stdout;
}
