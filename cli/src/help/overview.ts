/** The help above single commands: all nouns, or the verbs of one. */
import type { Catalog } from '../catalog/index.ts';
import { globalOptions } from './command-help.ts';
import { items, section, type Item } from './text.ts';

/** What the nouns are, in the order in which a newcomer meets them. */
export const nouns: Readonly<Record<string, string>> = {
  container: 'Containers of one node',
  image: 'Images that containers are made from',
  volume: 'Volumes, which outlive the containers that have them',
  secret: 'Secrets of one node, as files for containers',
  config: 'Configs of one node, as files for containers',
  cas: 'The store of one node, where images are kept',
  registry: 'Registries that images come from and go to',
  instance: 'What runs, on a node or in the cluster',
  deploy: 'Workloads of the cluster',
  node: 'Machines of the cluster',
  cluster: 'The cluster itself',
  service: 'systemd services of one node',
  system: 'What answers here',
  context: 'Whom volt talks to',
};

const programs: readonly Item[] = [
  { left: 'daemon install', right: 'Make this machine a node, or bring its agent up to date.' },
  { left: 'daemon', right: 'Run the agent of this machine; systemd does.' },
  { left: 'controller', right: 'Run a controller of a cluster; systemd does.' },
];

export function overview(catalog: Catalog): string {
  const shortcuts = catalog.singles().map(({ word, command }) => ({
    left: word,
    right: command.path === word ? command.summary : `${command.summary} (${command.path})`,
  }));
  return [
    'Volt: containers, images, networking and scheduling for Linux machines that run systemd.',
    '',
    'Usage: volt NOUN VERB [arguments] [options]',
    ...section('Often used', items(shortcuts)),
    ...inOrder(catalog.nouns()).flatMap((noun) => section(title(noun), verbs(noun, catalog))),
    ...section('Programs', items(programs)),
    ...section('Global options', items(globalOptions())),
    '',
    "'volt NOUN VERB --help' shows arguments, options, examples and exit codes.",
    '',
  ].join('\n');
}

/** Those that are not listed above come last. */
export function inOrder(present: readonly string[]): string[] {
  const known = Object.keys(nouns).filter((noun) => present.includes(noun));
  return [...known, ...present.filter((noun) => !known.includes(noun))];
}

export function groupHelp(noun: string, catalog: Catalog): string {
  return [
    `${title(noun)}.`,
    '',
    `Usage: volt ${noun} VERB [arguments] [options]`,
    ...section('Verbs', verbs(noun, catalog)),
    '',
    `'volt ${noun} VERB --help' shows arguments, options, examples and exit codes.`,
    '',
  ].join('\n');
}

const title = (noun: string) => nouns[noun] ?? noun;

function verbs(noun: string, catalog: Catalog): string[] {
  return items(catalog.group(noun).map(({ path, summary }) => ({ left: path, right: summary })));
}
