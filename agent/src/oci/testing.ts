/** For tests of other rooms. */
export * from './testing/images.ts';
export * from './testing/registry.ts';
