import type { Role } from '@volt/shared/server';
import { expect, test } from 'vitest';
import type { Engine, Observed } from '../../engine/index.ts';
import { config, spec } from '../../engine/testing.ts';
import { containerHandlers } from './container.ts';

/** An engine with one container, that remembers what it was asked to do. */
function engineWith(change: Partial<Observed['config']>) {
  const asked: string[] = [];
  const note = (what: string) => async () => void asked.push(what);
  const observed = { config: config('web-0', change), status: { name: 'web-0' } } as Observed;
  const engine = {
    observe: async () => [observed],
    inspect: async () => observed,
    stop: note('stop'),
    restart: note('restart'),
    delete: note('delete'),
  } as unknown as Engine;
  return { handlers: containerHandlers(engine), asked };
}

/** As much of a call as these handlers look at, for a row of any shape. */
const callBy = (role: Role): never =>
  ({ caller: { name: 'joe', uid: 1000, roles: [role] }, signal: new AbortController().signal }) as never;

const secret = { spec: spec('web-0', { env: { TOKEN: 'hunter2' } }), env: { TOKEN: 'hunter2', LANG: 'C' } };

test.each(['reader', 'node', 'controller'] as const)('a %s sees which variables there are, no values', async (role) => {
  const { handlers } = engineWith(secret);
  const found = await handlers['container.inspect']({ name: 'web-0' }, callBy(role));
  expect(JSON.stringify(found)).not.toContain('hunter2');
  expect(Object.keys(found.config.env)).toEqual(['TOKEN', 'LANG']);
});

test('an admin sees the environment', async () => {
  const { handlers } = engineWith(secret);
  const found = await handlers['container.inspect']({ name: 'web-0' }, callBy('admin'));
  expect(found.config.env).toEqual(secret.env);
  expect(found.config.spec.env).toEqual({ TOKEN: 'hunter2' });
});

const assignment = { workload: 'web', instance: 'web-0', generation: 1, exclusive: false };

test.each(['stop', 'restart', 'delete'] as const)("%s of the cluster's instance is refused", async (verb) => {
  const { handlers, asked } = engineWith({ assignment });
  const call = handlers[`container.${verb}`]({ name: 'web-0', grace: 10, force: true }, callBy('admin'));
  await expect(call).rejects.toMatchObject({ code: 'CONFLICT', hint: expect.stringContaining('deploy scale web') });
  expect(asked).toEqual([]);
});

test.each(['stop', 'restart', 'delete'] as const)("%s of this node's own container goes on", async (verb) => {
  const { handlers, asked } = engineWith({ assignment: null });
  await handlers[`container.${verb}`]({ name: 'web-0', grace: 10, force: false }, callBy('admin'));
  expect(asked).toEqual([verb]);
});
