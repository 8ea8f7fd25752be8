export { openApi, type Api, type ApiPorts } from './api.ts';
export { controllerHandlers, type HandlerPorts } from './handlers.ts';
