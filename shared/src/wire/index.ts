export * from './frames.ts';
export { LINE_BYTES_MAX, lines } from './lines.ts';
