export { Cas, type CasOptions, type CasProgress, type Follow } from './cas.ts';
