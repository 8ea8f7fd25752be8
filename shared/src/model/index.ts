export * from './cluster.ts';
export * from './container.ts';
export * from './image.ts';
export * from './names.ts';
