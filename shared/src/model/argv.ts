import * as z from 'zod';

/** A program's argument list. Bounded so that a spec fits a KV value and a unit file. */
export const Argv = z.array(z.string().max(8192)).max(256);
