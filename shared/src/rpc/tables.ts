import { casMethods } from './methods/cas.ts';
import { certificateAgentMethods, certificateControllerMethods } from './methods/certificate.ts';
import { clusterAgentMethods, clusterControllerMethods } from './methods/cluster.ts';
import { configMethods } from './methods/config.ts';
import { containerFilesMethods } from './methods/container-files.ts';
import { containerMethods } from './methods/container.ts';
import { deployMethods } from './methods/deploy.ts';
import { imageMethods } from './methods/image.ts';
import { instanceMethods } from './methods/instance.ts';
import { registryMethods } from './methods/registry.ts';
import { secretMethods } from './methods/secret.ts';
import { serviceMethods } from './methods/service.ts';
import { systemMethods } from './methods/system.ts';
import { volumeMethods } from './methods/volume.ts';

/** All that an agent answers, on its socket and on its TLS port. */
export const agentMethods = {
  ...systemMethods,
  ...instanceMethods,
  ...containerMethods,
  ...containerFilesMethods,
  ...imageMethods,
  ...volumeMethods,
  ...secretMethods,
  ...configMethods,
  ...registryMethods,
  ...casMethods,
  ...serviceMethods,
  ...clusterAgentMethods,
  ...certificateAgentMethods,
} as const;

/** All that a controller answers. */
export const controllerMethods = {
  ...systemMethods,
  ...instanceMethods,
  ...deployMethods,
  ...clusterControllerMethods,
  ...certificateControllerMethods,
} as const;

export type AgentMethods = typeof agentMethods;
export type ControllerMethods = typeof controllerMethods;
