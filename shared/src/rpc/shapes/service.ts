import * as z from 'zod';

export const ServiceStatus = z.object({
  name: z.string(),
  state: z.string(),
  detail: z.string(),
  description: z.string(),
});
export type ServiceStatus = z.output<typeof ServiceStatus>;
