export { closest, didYouMean } from './closest.ts';
export { splitWords } from './split-words.ts';
