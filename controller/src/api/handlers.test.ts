import type { VoltEvent } from '@volt/shared/rpc';
import { expect, test } from 'vitest';
import { controllerHandlers, type HandlerPorts } from './handlers.ts';

/** What is said while an instance goes through these states, one a look; null is no row. */
async function eventsOf(states: readonly (string | null)[]): Promise<string[]> {
  const rows = states.map((state) => (state === null ? [] : [{ name: 'web-0', node: 'n1', state, reason: null }]));
  const cluster = { listNodes: async () => [], listInstances: async () => rows.shift() ?? [] };
  const changes = async function* () {
    for (let left = states.length - 1; left > 0; left--) yield;
  };
  const said: string[] = [];
  const emit = async ({ kind, name }: VoltEvent) => void said.push(`${kind} ${name}`);
  const { 'event.watch': watch } = controllerHandlers({ cluster, changes } as unknown as HandlerPorts);
  await watch({}, { emit, signal: new AbortController().signal } as never);
  return said;
}

test('each new state is an event', async () => {
  expect(await eventsOf([null, 'pending', 'running', 'running'])).toEqual([
    'instance.pending web-0',
    'instance.running web-0',
  ]);
});

test('an instance that says it is gone goes once', async () => {
  expect(await eventsOf(['running', 'gone', null])).toEqual(['instance.gone web-0']);
});

test('an instance whose record vanishes is gone as well', async () => {
  expect(await eventsOf(['running', null])).toEqual(['instance.gone web-0']);
});
