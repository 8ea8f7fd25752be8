import { VoltError } from '@volt/shared/errors';
import { ImageName } from '@volt/shared/model';

export interface Reference {
  readonly name: string;
  readonly tag: string;
}

/** `web` is `web:latest`. Throws USAGE for anything that is not an image name. */
export function parseReference(text: string): Reference {
  const parsed = ImageName.safeParse(text);
  if (!parsed.success) throw new VoltError('USAGE', `'${text.slice(0, 80)}' is not an image name`);
  const [name = '', tag = 'latest'] = parsed.data.split(':');
  return { name, tag };
}

export const spellReference = ({ name, tag }: Reference): string => `${name}:${tag}`;
