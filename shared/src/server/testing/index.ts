export { serveImages, type KnownImages } from './image-server.ts';
export { post, serveToy, toyTable } from './toy.ts';
