/**
 * Runs on a lab node: the agent's real ports, driven line by line from the
 * test on the other side of standard input. engine-remote.ts is that side.
 */
import { createReadStream, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { toVoltError } from '@volt/shared/errors';
import { SystemBus } from '@volt/shared/systemd';
import { defaultPaths, NspawnDriver } from '../../agent/src/engine/drivers/nspawn/index.ts';
import * as host from '../../agent/src/host/index.ts';
import { Images } from '../../agent/src/images/index.ts';
import { createNetwork } from '../../agent/src/network/index.ts';
import { openHash, openStore } from '../../agent/src/store/index.ts';
import type { Answer, NodeLowers, Order } from './engine-remote.ts';

const systemd = new host.BusSystemd(new SystemBus());
const { systemClock: clock, systemJournal: journal, kernelProcesses: processes } = host;
const enter = () => readFileSync('/var/lib/volt/test/enter');
const holder = () => readFileSync('/var/lib/volt/test/console');
const kernel = { clock, journal, processes };
const ports = {
  files: new host.NodeFiles(),
  programs: new host.NodePrograms(),
  systemd,
  enter,
  console: holder,
  sockets: host.unixSockets,
  ...kernel,
};

/** Images of a store of their own, laid out in whatever way is wanted. */
const lowers: NodeLowers = {
  make: async (archive, way) => {
    const folders = { root: '/var/lib/volt/test/cas', images: '/var/lib/volt/test/images' };
    const { programs } = ports;
    const hash = await openHash({ nativePath: '/var/lib/volt/test/blake.node' });
    const store = await openStore({ ...folders, programs, specials: host.kernelSpecialFiles, lowers: way, hash });
    const scratch = '/var/lib/volt/test/cas/tmp';
    const images = new Images({ store, programs, scratch, usersOf: async () => [], now: () => new Date() });
    const { signal } = new AbortController();
    await images.importTar({ name: 'test', source: createReadStream(archive) }, signal);
    const { tree } = await images.resolve('test');
    await store.lowers.remove(tree);
    return images.ensureLower(tree, signal);
  },
};

const targets: Record<string, object> = {
  lowers,
  driver: new NspawnDriver(ports, defaultPaths),
  network: createNetwork(ports),
  systemd,
};
const stops = new Map<number, AbortController>();

const say = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`);

async function obey({ id, target, method, parameters }: Extract<Order, { target: string }>): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  const special: Record<string, unknown> = {
    '@signal': stop.signal,
    '@io': { input: (async function* () {})(), emit: async (item: unknown) => say({ id, item }) },
  };
  const realOf = (one: unknown): unknown => {
    if (typeof one === 'string' && one in special) return special[one];
    return isWithSignal(one) ? { ...one, signal: stop.signal } : one;
  };
  const real = parameters.map(realOf);
  try {
    const port = targets[target] as Record<string, (...all: unknown[]) => unknown>;
    const result = await port[method]!(...real);
    if (isIterable(result)) for await (const item of result) say({ id, item: item ?? null });
    say({ id, result: isIterable(result) ? null : result });
  } catch (thrown) {
    const { code, message, hint } = toVoltError(thrown);
    say({ id, error: { code, message, hint } });
  } finally {
    stops.delete(id);
  }
}

function isWithSignal(value: unknown): value is { signal: string } {
  return typeof value === 'object' && value !== null && 'signal' in value && value.signal === '@signal';
}

function isIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}

for await (const line of createInterface({ input: process.stdin })) {
  const order = JSON.parse(line) as Order;
  if ('abort' in order) stops.get(order.abort)?.abort();
  else void obey(order);
}
process.exit(0);
