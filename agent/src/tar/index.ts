export { decompressed, type Limits, UNPACKED_BYTES_MAX } from './decompress.ts';
export { readTar, type TarEntry, type TarType } from './reader.ts';
export { contentsOf } from './sparse.ts';
export { END_OF_TAR, paddingOf, tarHeader } from './writer.ts';
