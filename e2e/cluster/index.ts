export { eventually } from './eventually.ts';
export { formCluster, installAgent, joinCluster, untilReady } from './form.ts';
export { volt, voltJson, voltText, type VoltOptions } from './volt.ts';
