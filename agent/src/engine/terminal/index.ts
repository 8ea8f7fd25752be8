export { relay, type Outcome, type Watching } from './relay.ts';
