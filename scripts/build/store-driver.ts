/**
 * Packs the driver of `pnpm bench store` as volt is packed, so that its start
 * costs the same: `node store-driver.ts <folder>` makes <folder>/volt-store.
 */
import { mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { bundle } from './bundle.ts';
import { singleBinary } from './single-binary.ts';

const top = resolve(import.meta.dirname, '../..');
const [folder = '.'] = process.argv.slice(2);
const [driver, threads] = [join(folder, 'driver.cjs'), join(folder, 'threads.cjs')];
const version = 'bench';
const fromAgent = createRequire(join(top, 'agent/package.json'));
const fromBlake = createRequire(fromAgent.resolve('@napi-rs/blake-hash'));
const fromWasm = createRequire(createRequire(fromAgent.resolve('blake3')).resolve('blake3-wasm'));

mkdirSync(folder, { recursive: true });
await bundle({ top, entry: 'e2e/contracts/store-driver.ts', output: driver, version });
await bundle({ top, entry: 'agent/src/store/worker.ts', output: threads, version });
singleBinary({
  node: process.execPath,
  bundle: driver,
  assets: {
    'store-worker.cjs': threads,
    'blake.node': fromBlake.resolve(`@napi-rs/blake-hash-linux-${process.arch}-gnu`),
    'blake3.wasm': join(dirname(fromWasm.resolve('blake3-wasm/package.json')), 'dist/wasm/blake3.wasm'),
  },
  cache: join(folder, 'cache'),
  output: join(folder, 'volt-store'),
});
