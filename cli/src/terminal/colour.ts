export type ColourName = 'green' | 'yellow' | 'red' | 'dim' | 'cyan' | 'magenta' | 'blue';
export type Paint = (colour: ColourName, text: string) => string;

const codes: Readonly<Record<ColourName, number>> = {
  green: 32,
  yellow: 33,
  red: 31,
  dim: 2,
  cyan: 36,
  magenta: 35,
  blue: 34,
};

export const colourModes = ['auto', 'always', 'never'] as const;
export type ColourMode = (typeof colourModes)[number];

/** `auto` follows https://no-color.org and leaves pipes and dumb terminals alone. */
export function painter(
  mode: ColourMode,
  isTerminal: boolean,
  env: Readonly<Record<string, string | undefined>>,
): Paint {
  const wanted = isTerminal && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
  const isOn = mode === 'always' || (mode === 'auto' && wanted);
  return isOn ? (colour, text) => `\u001B[${codes[colour]}m${text}\u001B[0m` : (_colour, text) => text;
}
