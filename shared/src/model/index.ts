export * from './cas.ts';
export * from './cluster.ts';
export * from './container-record.ts';
export * from './container-use.ts';
export * from './container.ts';
export * from './image.ts';
export * from './membership.ts';
export * from './names.ts';
