export { Session, type LooseClient, type Ports } from './session.ts';
export { type Side } from './side.ts';
