export { containers } from './containers.ts';
