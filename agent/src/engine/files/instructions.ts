/** `--change` of a commit: what is to be different in how an image is run, in the words of a Dockerfile. Pure. */
import { VoltError } from '@volt/shared/errors';
import { splitWords } from '@volt/shared/lib';
import { ImageConfig } from '@volt/shared/model';

/** Each in turn on top of what the container's image says. USAGE for one that cannot be understood. */
export function withInstructions(config: ImageConfig, instructions: readonly string[]): ImageConfig {
  const changed = instructions.reduce((before, text) => ({ ...before, ...changeOf(text, before) }), config);
  const checked = ImageConfig.safeParse(changed);
  if (checked.success) return checked.data;
  throw new VoltError('USAGE', `An image cannot be run so: ${checked.error.issues[0]?.message ?? 'malformed'}`, {
    hint: example,
  });
}

const example = `--change 'CMD ["nginx", "-g", "daemon off;"]', --change 'ENV COLOR=blue', --change 'USER www-data'`;

function changeOf(text: string, before: ImageConfig): Partial<ImageConfig> {
  const [, word = '', rest = ''] = /^\s*([A-Za-z]+)\s+([\s\S]+?)\s*$/.exec(text) ?? [];
  switch (word.toUpperCase()) {
    case 'CMD':
      return { cmd: argv(rest) };
    case 'ENTRYPOINT':
      // As elsewhere: arguments of another program make no sense to this one.
      return { entrypoint: argv(rest), cmd: [] };
    case 'ENV':
      return { env: { ...before.env, ...pairs(rest) } };
    case 'LABEL':
      return { labels: { ...before.labels, ...pairs(rest) } };
    case 'WORKDIR':
      return { workdir: rest };
    case 'USER':
      return { user: rest };
    case 'STOPSIGNAL':
      return { stopSignal: rest };
    case 'EXPOSE':
      return { exposedPorts: [...new Set([...before.exposedPorts, ...rest.split(/\s+/).map(port)])] };
    default:
      throw new VoltError('USAGE', `'${text.slice(0, 80)}' is no change that is known`, { hint: example });
  }
}

const port = (text: string): string => (text.includes('/') ? text : `${text}/tcp`);

/** A list of JSON is words as they are; anything else is a line for a shell. */
function argv(rest: string): string[] {
  if (!rest.startsWith('[')) return ['/bin/sh', '-c', rest];
  try {
    const words: unknown = JSON.parse(rest);
    if (Array.isArray(words) && words.every((one) => typeof one === 'string')) return words;
  } catch {
    // Told below.
  }
  throw new VoltError('USAGE', `'${rest.slice(0, 80)}' is no list of words`, { hint: example });
}

function pairs(rest: string): Record<string, string> {
  const words = splitWords(rest);
  if (words === undefined)
    throw new VoltError('USAGE', `A quote in '${rest.slice(0, 80)}' is not closed`, { hint: example });
  const [first = '', ...others] = words;
  // The old way, `ENV NAME the value`.
  if (!first.includes('=') && others.length > 0)
    return { [first]: rest.slice(rest.indexOf(first) + first.length).trim() };
  return Object.fromEntries(
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1) throw new VoltError('USAGE', `'${word.slice(0, 80)}' is not NAME=VALUE`, { hint: example });
      return [word.slice(0, at), word.slice(at + 1)];
    }),
  );
}
