/** Every bench there is. `pnpm bench` lists them. */
import type { Bench } from './bench.ts';
import { containers } from './containers/index.ts';
import { start } from './start/index.ts';
import { store } from './store/index.ts';

export const benches: readonly Bench[] = [start, store, containers];
