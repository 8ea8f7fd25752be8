import * as z from 'zod';

/** What may become a path, a unit, a network namespace and a DNS label, so all of them are safe to build from it. */
const label = (what: string, lengthMax: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[a-z](?:[a-z0-9-]{0,${lengthMax - 2}}[a-z0-9])?$`),
      `${what} must be 1 to ${lengthMax} of a-z, 0-9 and '-', begin with a letter and not end with '-'`,
    );

/** Longer than a workload's name, because an instance is `<workload>-<index>`. */
export const ContainerName = label('A container name', 48).describe('Name of the container.');
export const WorkloadName = label('A workload name', 41).describe('Name of the workload.');
export const NodeName = label('A node name', 41).describe('Name of the node.');

/** `name` or `name:tag`; the tag defaults to `latest`. */
export const ImageName = z
  .string()
  .regex(
    /^[a-z0-9][a-z0-9._-]{0,63}(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$/,
    "An image name must look like 'web' or 'web:1.2'",
  )
  .describe('Image, as NAME or NAME:TAG.');

const HOST = '(?:localhost|[A-Za-z0-9-]+[.:][A-Za-z0-9.:-]+)';
const PATH = '(?:/[a-z0-9._-]+)+';
const TAG = '(?::[A-Za-z0-9_][A-Za-z0-9._-]{0,127})?(?:@[a-z0-9]+:[0-9a-f]+)?';

/** An image of a registry: its first part has a dot or a port, or is localhost. Who fetches it looks closer. */
export const RegistryReference = z
  .string()
  .max(512)
  .regex(
    new RegExp(`^${HOST}${PATH}${TAG}$`),
    "An image of a registry must look like 'registry.example.org/org/app:1.2'",
  );

/** A BLAKE3 digest: 64 lower-case hexadecimal digits. */
export const Digest = z.string().regex(/^[0-9a-f]{64}$/, 'A digest is 64 hexadecimal digits');

export const EnvName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, 'Not a name of an environment variable');

/** Dotted quad; host part not checked here. */
export const Ipv4 = z.ipv4('Not an IPv4 address');
