import * as z from 'zod';
import { ContainerSpec, Labels, RestartPolicy } from './container.ts';
import { Limits } from './limits.ts';

/** What can be changed of a container that is there, and holds at once. All else is decided when it is made. */
export const ContainerChange = z.object({
  ...Limits.shape,
  restart: RestartPolicy.optional().describe('When to start it again after it ends.'),
  labels: Labels.optional().describe('Labels to put on it; an empty value takes one away.'),
  stopTimeout: ContainerSpec.shape.stopTimeout,
});
export type ContainerChange = z.output<typeof ContainerChange>;
