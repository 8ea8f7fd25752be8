export { asset, isSingleBinary } from './assets.ts';
export { version } from './version.ts';
