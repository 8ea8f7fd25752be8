import { expect, test } from 'vitest';
import type { Programs, RunResult } from '../host/index.ts';
import { sealing } from './index.ts';

function programs(result: Partial<RunResult>) {
  const runs: { argv: readonly string[]; input: string; env: object | undefined }[] = [];
  const run: Programs['run'] = async (argv, { input, env }) => {
    runs.push({ argv, input: Buffer.from(input ?? '').toString(), env });
    return { code: 0, stdout: 'sealed\n', stderr: '', ...result };
  };
  return { runs, seal: sealing({ run } as Programs) };
}

test('a secret goes to systemd by its input, bound to its name', async () => {
  const { runs, seal } = programs({});
  expect(await seal('db', new TextEncoder().encode('hunter2'))).toBe('sealed\n');
  expect(runs).toMatchObject([{ input: 'hunter2', env: undefined }]);
  expect(runs[0]!.argv).toContain('--name=volt.secret.db');
  expect(runs[0]!.argv.join(' ')).not.toContain('hunter2');
});

test.each([{ code: 1, stdout: '', stderr: 'warning\nNo key\n' }, { stdout: '' }])(
  'where that fails it is refused, and not kept open',
  async (result) => {
    const { seal } = programs(result);
    await expect(seal('db', new TextEncoder().encode('hunter2'))).rejects.toMatchObject({
      code: 'DEPENDENCY',
      message: expect.not.stringContaining('hunter2'),
    });
  },
);
