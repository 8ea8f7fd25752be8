import { expect, test } from 'vitest';
import { clusterPath, readConfig, withControllers, writeConfig } from '@volt/shared/pki';
import { keepControllers } from './keep-controllers.ts';

const self = { cluster: 'test', node: 'node9', address: '192.0.2.9', subnet: '10.1.9.0/24', range: '10.1.0.0/16' };

/** A node of these roles that knows one controller, on a port of its cluster's own. */
function node(roles: ('agent' | 'controller')[]) {
  const known = { ...self, roles, controllers: ['192.0.2.1:9444'] };
  const config = withControllers(known, [{ node: 'node1', address: '192.0.2.1' }]);
  const before = writeConfig(config);
  const texts = new Map([[clusterPath('config'), before]]);
  const writes: string[] = [];
  const files = {
    read: async (path: string) => texts.get(path),
    write: async (path: string, text: string) => {
      writes.push(path);
      texts.set(path, text);
    },
  };
  const now = () => readConfig(texts.get(clusterPath('config'))!, 'cluster.json');
  return { kept: { config, files }, writes, now };
}

const record = (number: number, roles: ('agent' | 'controller')[] = ['agent', 'controller']) => ({
  name: `node${number}`,
  address: `192.0.2.${number}`,
  roles,
});

test('an agent remembers the controllers that there are, for its next start', async () => {
  const { kept, writes, now } = node(['agent']);
  const records = [record(4), record(5), record(6), record(7, ['agent'])];
  await keepControllers(kept, records);
  expect(now().servers).toEqual(['192.0.2.4:4222', '192.0.2.5:4222', '192.0.2.6:4222']);
  expect(now().controllers).toEqual(['192.0.2.4:9444', '192.0.2.5:9444', '192.0.2.6:9444']);
  await keepControllers(kept, records.toReversed());
  expect(writes).toHaveLength(1);
});

test.each<[string, ('agent' | 'controller')[], ReturnType<typeof record>[]]>([
  ['of a controller is left to what keeps its NATS', ['agent', 'controller'], [record(4)]],
  ['stays while no controller has told of itself', ['agent'], [record(4, ['agent'])]],
  ['stays where it is true', ['agent'], [record(1)]],
])('the list %s', async (_, roles, records) => {
  const { kept, writes } = node(roles);
  await keepControllers(kept, records);
  expect(writes).toEqual([]);
});
