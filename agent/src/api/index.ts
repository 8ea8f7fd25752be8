export { openApi, type Api, type ApiPorts, type ClusterDoor } from './api.ts';
export { casHandlers, type BuiltFolder, type CasOperations } from './handlers/cas.ts';
export { clusterHandlers, type ClusterMembership } from './handlers/cluster.ts';
export { containerFilesHandlers } from './handlers/container-files.ts';
export { containerHandlers } from './handlers/container.ts';
export {
  imageHandlers,
  type ImageOperations,
  type ImportRequest,
  type OnProgress,
  type Progress,
} from './handlers/image.ts';
export { volumeHandlers } from './handlers/volume.ts';
export { givenHandlers } from './handlers/given.ts';
export { hostNodeName, nodeHandlers, type NodeFacts } from './handlers/node.ts';
