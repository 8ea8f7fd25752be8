export { complete, protocol, type Completion } from './complete.ts';
