export { LayeredRoot } from './layered-root.ts';
export { changeOf, isLayerName } from './whiteout.ts';
