export { bytesPerUnit, parseBytes } from './bytes.ts';
export { closest, didYouMean } from './closest.ts';
export { parseDurationMs } from './duration.ts';
export { lazily } from './lazily.ts';
export { splitWords } from './split-words.ts';
