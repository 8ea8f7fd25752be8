export { ingestFolder, type IngestedFolder } from './ingest-folder.ts';
export type { FolderIngest, IngestProgress } from './request.ts';
