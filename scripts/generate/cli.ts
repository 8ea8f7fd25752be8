import { globalOptions, inOrder, nouns, partsOf } from '@volt/cli/help';
import { catalog } from '@volt/cli/run';
import { block, code, made, markdownTable } from './page.ts';

type Command = ReturnType<typeof catalog>['commands'][number];
type Item = ReturnType<typeof globalOptions>[number];

/** Every command: how it is used, what it takes, examples, what it exits with. */
export function cliPage(): string {
  const commands = catalog();
  const groups = [
    ...inOrder(commands.nouns()).map((noun) => ({ title: nouns[noun] ?? noun, list: commands.group(noun) })),
    { title: 'The program itself', list: commands.commands.filter(({ path }) => !path.includes(' ')) },
  ];
  return [
    made('the method tables and cli/src/commands'),
    '# Commands',
    '',
    '`volt NOUN VERB [arguments] [options]`. Words behind `--` belong to the program that is run.',
    '',
    '## Global options',
    '',
    ...options(globalOptions()),
    'Environment: `VOLT_CONTEXT`, `VOLT_HOST`, `VOLT_OUTPUT` and `VOLT_COLOR` stand in for the flags of their names;',
    '`NO_COLOR` turns colours off; `VOLT_TOKEN` holds a join token; `VOLT_DEBUG=true` shows what is behind an error.',
    'Contexts are kept in `$XDG_CONFIG_HOME/volt/contexts.yaml`, by default `~/.config/volt/contexts.yaml`.',
    '',
    'Exit codes are explained in [errors.md](errors.md).',
    '',
    ...groups.flatMap(({ title, list }) => [`## ${title}`, '', ...list.flatMap(section)]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n');
}

function section(command: Command): string[] {
  const { usage, arguments: taken, options: flags, examples, exits } = partsOf(command);
  const also = command.alias === undefined ? [] : [`Also: \`volt ${command.alias}\``, ''];
  return [
    `### volt ${command.path}`,
    '',
    command.summary,
    '',
    ...block('text', [usage]),
    ...also,
    ...markdownTable(
      ['Argument', 'Meaning'],
      taken.map(({ left, right }) => [code(left), right]),
    ),
    ...options(flags),
    ...block('sh', examples),
    `Exits with ${['0', ...exits.map(({ exit }) => String(exit))].join(', ')}.`,
    '',
  ];
}

const options = (flags: readonly Item[]) =>
  markdownTable(
    ['Option', 'Meaning'],
    flags.map(({ left, right }) => [code(left.trim()), right]),
  );
