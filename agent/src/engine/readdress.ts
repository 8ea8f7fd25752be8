/**
 * Containers whose addresses are of another subnet than the bridge's: the
 * machine has joined a cluster, has left one, or was told of another subnet.
 * Nobody reaches them, and they reach nobody, until they have others.
 */
import type { ContainerConfig } from '@volt/shared/model';
import type { Network } from '../network/index.ts';
import { isUp, type Known } from './known.ts';

/** Gives them addresses, in the ledger only. What runs keeps the old one until it is started again. */
export async function readdress(known: Known, network: Pick<Network, 'place'>): Promise<void> {
  const { ledger } = known;
  const here = network.place(new Set());
  const isStale = ({ network: own }: ContainerConfig) => own.gateway !== here.gateway || own.prefix !== here.prefix;
  for (const config of ledger.all().filter(isStale)) {
    const used = new Set(ledger.all().map((other) => other.network.address));
    const wasUp = config.moved?.wasUp ?? isUp((await known.status(config.spec.name)).state);
    await ledger.put({ ...config, network: { ...network.place(used) }, moved: { wasUp } });
  }
}
