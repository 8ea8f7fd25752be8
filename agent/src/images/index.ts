export type { Variant } from './build-debian.ts';
export { exportFolder } from './export-folder.ts';
export { Images, type BuildRequest, type ImagesOptions, type ImportRequest, type PullRequest } from './images.ts';
export { missingOf } from './pull.ts';
export { RemoteImages } from './remote.ts';
