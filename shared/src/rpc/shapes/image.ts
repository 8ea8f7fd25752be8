import * as z from 'zod';

export const Progress = z.object({ line: z.string(), done: z.int().optional(), total: z.int().optional() });
