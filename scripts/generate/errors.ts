import { errorCodes, rpcCode, type ErrorCode } from '@volt/shared/errors';
import { code, made, markdownTable } from './page.ts';

export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(([name, { exit, retry, meaning }]) => {
    const rpc = String(rpcCode(name as ErrorCode));
    return [String(exit), code(name), rpc, retry ? 'yes' : 'no', meaning];
  });
  return [
    made('shared/src/errors/codes.ts'),
    '# Errors',
    '',
    'Whatever fails, fails with one of these. The exit code of `volt` and the code of a JSON-RPC error say the same:',
    'the latter is -32000 minus the former. The numbers of JSON-RPC 2.0 itself (-32700, -32600, -32601, -32602) are',
    '`USAGE`.',
    '',
    ...markdownTable(
      ['Exit', 'Name', 'JSON-RPC', 'Send again', 'Meaning'],
      [['0', code('OK'), '', '', 'It was done.'], ...rows],
    ),
    'On the terminal an error is one line, `error: …`, and where there is something to do about it a second one,',
    '`hint: …`. A file that is wrong is shown with line and column. *Send again* tells whether the same request may',
    'succeed later with nothing changed by whoever sent it; after `TIMEOUT` the outcome is unknown, so look first.',
    '',
  ].join('\n');
}
