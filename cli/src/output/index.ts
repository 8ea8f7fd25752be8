export { bytes, cell } from './cell.ts';
export { noProgress, progressOn, type Progress, type ProgressEvent } from './progress.ts';
export { ndjson, render, type Shape } from './render.ts';
export { table, type View } from './table.ts';
