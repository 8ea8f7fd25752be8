import { catalog } from '@volt/cli/run';
import { errorCodes } from '@volt/shared/errors';
import { agentMethods, controllerMethods } from '@volt/shared/rpc';
import { describe, expect, test } from 'vitest';
import { cliPage } from './cli.ts';
import { errorsPage } from './errors.ts';
import { openRpcText, rpcPage } from './rpc.ts';

describe.each([
  ['cli.md', cliPage],
  ['rpc.md', rpcPage],
  ['openrpc.json', openRpcText],
  ['errors.md', errorsPage],
])('%s', (_name, make) => {
  test('is the same every time', () => expect(make()).toBe(make()));
  test('ends with one line end', () => expect(make()).toMatch(/[^\n]\n$/));
});

test('every command is in the reference', () => {
  const page = cliPage();
  for (const { path } of catalog().commands) expect(page).toContain(`### volt ${path}\n`);
});

test('every method is in the reference, with who answers it', () => {
  const page = rpcPage();
  for (const name of Object.keys({ ...agentMethods, ...controllerMethods })) expect(page).toContain(`## ${name}\n`);
  expect(openRpcText()).toContain('"x-servers": [\n        "agent",\n        "controller"\n      ]');
});

test('every error is in the reference', () => {
  for (const name of Object.keys(errorCodes)) expect(errorsPage()).toContain(`\`${name}\``);
});
