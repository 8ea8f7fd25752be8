import { expect, test } from 'vitest';
import { NodePrograms } from './node-programs.ts';
import { STDERR_BYTES_MAX } from './programs.ts';

const programs = new NodePrograms();
const { signal } = new AbortController();
const sh = (script: string) => ['/bin/sh', '-c', script];

async function textOf(output: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of output) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

test('output and code', async () =>
  expect(await programs.run(sh('echo out; echo err >&2; exit 3'), { signal })).toEqual({
    code: 3,
    stdout: 'out\n',
    stderr: 'err\n',
  }));

test('input', async () => {
  expect((await programs.run(['/bin/cat'], { signal, input: 'hello' })).stdout).toBe('hello');
});

test('a signal is 128 and its number', async () => {
  expect((await programs.run(sh('kill -TERM $$'), { signal })).code).toBe(143);
});

test('the last of a long complaint is kept', async () => {
  const { stderr } = await programs.run(sh('yes complaint | head -c 100000 >&2; echo the end >&2'), { signal });
  expect(stderr).toHaveLength(STDERR_BYTES_MAX);
  expect(stderr.endsWith('the end\n')).toBe(true);
});

test('what is not installed is a dependency', async () =>
  expect(programs.run(['/usr/bin/nosuch'], { signal })).rejects.toMatchObject({
    code: 'DEPENDENCY',
    message: "'/usr/bin/nosuch' is not installed",
  }));

test('what takes too long is killed', async () =>
  expect(programs.run(['/bin/sleep', '1000'], { signal, timeoutMs: 20 })).rejects.toMatchObject({ code: 'TIMEOUT' }));

test('a signal that fires kills it', async () => {
  const stop = new AbortController();
  const running = programs.run(['/bin/sleep', '1000'], { signal: stop.signal });
  setTimeout(() => stop.abort(), 10);
  await expect(running).rejects.toMatchObject({ name: 'AbortError' });
});

test('the environment is only what was given', async () => {
  const { stdout } = await programs.run(['/usr/bin/env'], { signal, env: { A: '1' } });
  expect(stdout).toBe('A=1\n');
});

test('an open program is written to, read from and ended', async () => {
  const program = await programs.open(['/bin/cat'], {});
  await program.write(Buffer.from('hello'));
  program.end();
  expect(await textOf(program.stdout)).toBe('hello');
  expect(await textOf(program.stderr)).toBe('');
  expect(await program.exitCode).toBe(0);
});

test('killing reaches what children have started', async () => {
  const program = await programs.open(sh('sh -c "sleep 300 & echo; wait"; true'), {});
  for await (const _ of program.stdout) await program.kill();
  // Its output has ended, so nobody is left who could write to it.
  expect(await program.exitCode).toBe(137);
});

test('what got away from those who are killed is not waited for', async () => {
  const program = await programs.open(sh('setsid -f sleep 8; echo; sleep 300'), {});
  const startedMs = performance.now();
  const cutOff = (async () => {
    for await (const _ of program.stdout) await program.kill();
  })();
  await expect(cutOff).rejects.toThrow();
  expect(await program.exitCode).toBe(137);
  expect(performance.now() - startedMs).toBeLessThan(6000);
});

test('killing reaches the children', async () => {
  const program = await programs.open(sh('/bin/sleep 1000; true'), {});
  await program.kill();
  expect(await textOf(program.stdout)).toBe('');
  expect(await program.exitCode).toBe(137);
});
