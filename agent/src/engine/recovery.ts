/** What an agent that was killed left half done is finished or undone. */
import { toVoltError, type VoltError } from '@volt/shared/errors';
import type { Driver } from './drivers/driver.ts';
import type { Images, Recovery } from './engine.ts';
import type { Network } from '../network/index.ts';
import { isUp, type Known } from './known.ts';
import { readdress } from './readdress.ts';

export interface RecoveryParts {
  readonly known: Known;
  readonly driver: Driver;
  readonly images: Pick<Images, 'ensureLower'>;
  readonly network: Pick<Network, 'place'>;
  /** Ends what runs of a container. */
  readonly down: (name: string) => Promise<void>;
  /** Removes what the ledger does not know. */
  readonly clear: (name: string) => Promise<void>;
  readonly remove: (name: string) => Promise<void>;
  /** Before a container is looked at for itself. */
  readonly release: (name: string) => Promise<void>;
}

export async function recovered(parts: RecoveryParts, signal: AbortSignal): Promise<Recovery> {
  const { known, driver, images, network, clear, down, remove, release } = parts;
  await driver.prepare(signal);
  await known.ledger.load();
  const leftOver = (await driver.list()).filter(({ name }) => known.ledger.get(name) === undefined);
  const failed = new Map<string, VoltError>();
  const each = async (names: readonly string[], act: (name: string) => Promise<void>): Promise<string[]> => {
    const done: string[] = [];
    const one = async (name: string) => {
      try {
        await known.lanes.run(name, signal, () => act(name));
        done.push(name);
      } catch (thrown) {
        failed.set(name, toVoltError(thrown));
      }
    };
    await Promise.all(names.map(one));
    signal.throwIfAborted();
    return done.sort();
  };
  const names = () => known.ledger.all().map(({ spec }) => spec.name);
  const removed = await each(
    leftOver.map(({ name }) => name),
    clear,
  );
  await each(names(), release);
  // One that is deleted when it ends, and ended while nobody saw it.
  const ended = known.ledger.all().filter(({ spec }) => spec.rm === true);
  const deleted = await each(
    ended.map(({ spec }) => spec.name),
    async (name) => {
      const { state } = await known.status(name);
      if (!isUp(state)) await remove(name);
    },
  );
  await readdress(known, network);
  const repaired = await each(names(), async (name) => {
    const config = known.existing(name);
    await driver.install(config, await images.ensureLower(config.image.tree, signal));
  });
  const moved = known.ledger.all().filter(({ moved: change }) => change !== undefined);
  const readdressed = await each(
    moved.map(({ spec }) => spec.name),
    async (name) => {
      if (known.existing(name).moved?.wasUp === true) {
        await down(name);
        await driver.start(name, signal);
      }
      // Last: cut short before, it is started once more.
      await known.ledger.put({ ...known.existing(name), moved: undefined });
    },
  );
  const isLeft = (name: string) => known.ledger.get(name) === undefined;
  return { removed: [...removed, ...deleted.filter(isLeft)].sort(), repaired, readdressed, failed };
}
