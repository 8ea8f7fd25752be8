import type { FastifyInstance } from 'fastify';
import { VoltError } from '../../errors/index.ts';
import { ImageConfig, type ImageDetail } from '../../model/index.ts';
import { agentMethods } from '../../rpc/index.ts';
import { serveTls, type ServedTable } from './tls-server.ts';

const table = { 'image.inspect': agentMethods['image.inspect'] };

export type KnownImages = Readonly<Record<string, Pick<ImageDetail, 'digest' | 'tree' | 'createdAt'>>>;

/** As much of an agent as answers what an image is. */
export function serveImages(
  where: Pick<ServedTable<typeof table>, 'identity' | 'address' | 'port'>,
  known: KnownImages,
  more?: (app: FastifyInstance) => void,
): Promise<AsyncDisposable> {
  const inspect = async ({ name }: { name: string }): Promise<ImageDetail> => {
    const image = known[name];
    if (image === undefined) throw new VoltError('NOT_FOUND', `There is no image '${name}'`);
    return { name, sizeBytes: 1, files: 1, config: ImageConfig.parse({}), usedBy: [], ...image };
  };
  return serveTls({ ...where, table, handlers: { 'image.inspect': inspect } }, more);
}
