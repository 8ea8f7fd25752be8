/** How lines look: for people with the name of their container before them, for programs as they come. */
import { ndjson } from '../output/index.ts';
import type { Session } from '../session/index.ts';
import { pad, type ColourName } from '../terminal/index.ts';
import type { Print } from './logs-in-order.ts';

const colours: readonly ColourName[] = ['cyan', 'yellow', 'green', 'magenta', 'blue'];

/** The same for a name wherever and beside whatever it is shown. */
function colourOf(name: string): ColourName {
  let hash = 0;
  for (const char of name) hash = (hash * 31 + char.codePointAt(0)!) % 65_521;
  return colours[hash % colours.length]!;
}

/** Whole lines at a time, so that those of several do not run into each other. `names` are all that may come. */
export function linePrinter(session: Session, names: ReadonlySet<string>, timestamps: boolean): Print {
  const { stdout } = session.terminal;
  const { output } = session.settings;
  if (output !== 'table' && output !== 'wide' && output !== 'name') return (line) => stdout.write(ndjson(line));
  const paint = session.paint();
  const clean = stdout.isTerminal ? visible : (text: string) => text;
  return async (line) => {
    const width = Math.max(...[...names].map(({ length }) => length));
    const prefix = names.size > 1 ? `${paint(colourOf(line.name), `${pad(line.name, width)} |`)} ` : '';
    await stdout.write(`${prefix}${timestamps ? `${line.at} ` : ''}${clean(line.text)}\n`);
  };
}

/** Colours may pass; what moves the cursor or changes the window may not. */
const visible = (text: string): string =>
  // oxlint-disable-next-line no-control-regex
  text.replace(/\u001B\[[0-9;]*m|([\u0000-\u0008\u000A-\u001F\u007F-\u009F])/g, (found, control?: string) =>
    control === undefined ? found : '',
  );
