import * as z from 'zod';
import { splitWords } from '../lib/index.ts';
import {
  Argv,
  EnvName,
  RegistryReference,
  WorkloadContainer,
  WorkloadHealth,
  WorkloadSpec,
  type WorkloadSpecInput,
} from '../model/index.ts';
import { parseCpuMillis, parseMemoryMiB } from './units.ts';

const spec = WorkloadSpec.shape;

/** YAML reads `80` and `true` as what they look like; in an environment they are text. */
const EnvValue = z.union([z.string(), z.number(), z.boolean()], { error: 'must be text, a number, true or false' });

const Command = z
  .union([z.string(), z.array(z.union([z.string(), z.number()]))], { error: 'must be a list of words, or one line' })
  .transform((value, context) => {
    const words = typeof value === 'string' ? splitWords(value) : value.map(String);
    if (words === undefined) context.addIssue({ code: 'custom', message: 'A quote is not closed' });
    return words ?? [];
  })
  .pipe(Argv);

const Memory = z
  .string({ error: "must be an amount with its unit, such as '512MiB'" })
  .transform((text, context) => {
    const found = parseMemoryMiB(text);
    if (found === undefined) context.addIssue({ code: 'custom', message: "must look like '512MiB' or '2GiB'" });
    return found ?? 0;
  })
  .pipe(spec.memoryMiB.unwrap());

const Cpu = z
  .union([z.number(), z.string()], { error: 'must be a number of cores, such as 0.5' })
  .transform((cores, context) => {
    const found = parseCpuMillis(cores);
    if (found === undefined) context.addIssue({ code: 'custom', message: 'must be a number of cores, such as 0.5' });
    return found ?? 0;
  })
  .pipe(spec.cpuMillis.unwrap());

const Image = z
  .string()
  .refine((text) => spec.image.safeParse(text).success || RegistryReference.safeParse(text).success, {
    error: "An image name must look like 'web' or 'web:1.2', or 'registry.example.org/org/app:1.2'",
  });

/** As the spec has it; YAML reads a port alone as a number. */
const Health = z
  .strictObject({
    ...WorkloadHealth.shape,
    cmd: Command.optional().describe('A program inside, which ends with 0 when all is well.'),
    http: z
      .union([z.string(), z.number()], { error: 'must be a port with a path, such as 8080/ready' })
      .transform(String)
      .optional()
      .describe('8080/ready answers with 200 to 399 when all is well.'),
  })
  .pipe(spec.health.unwrap());

/** One workload as a person writes it: the spec, with units. */
export const ManifestWorkload = z.strictObject({
  name: spec.name,
  image: Image,
  replicas: spec.replicas,
  command: Command.optional().describe('Program and arguments, as a list or one line; the image names it otherwise.'),
  env: z.record(EnvName, EnvValue).optional().describe('Environment variables.'),
  labels: spec.labels.optional().describe('Labels to find it by.'),
  memory: Memory.optional().describe('Memory set aside for each copy, such as 512MiB.'),
  cpu: Cpu.optional().describe('Cores set aside for each copy, such as 0.5.'),
  exclusive: spec.exclusive,
  health: Health.optional().describe('How each copy is checked; one that is not healthy does not count as running.'),
  ...WorkloadContainer.shape,
  nodes: spec.nodes,
});
export type ManifestWorkload = z.output<typeof ManifestWorkload>;

export function toSpec({ memory, cpu, env, ...same }: ManifestWorkload): WorkloadSpecInput {
  const text = Object.entries(env ?? {}).map(([name, value]) => [name, String(value)]);
  return {
    ...same,
    ...(env === undefined ? {} : { env: Object.fromEntries(text) as Record<string, string> }),
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(cpu === undefined ? {} : { cpuMillis: cpu }),
  };
}
